import closeWithGrace from 'close-with-grace';
import type { FastifyInstance } from 'fastify';
import { ConfigError } from './config.ts';

/** How long a stopping service may finish what it holds. */
const graceMs = 10_000;

/**
 * Runs a service: makes it, listens, and on SIGTERM, SIGINT or a crash closes it with grace (its `onClose`
 * hooks end consumers and connections). A fault on the way up ends the process with one line and exit code 1.
 */
export async function serve(
  make: () => Promise<{ app: FastifyInstance; host: string; port: number }>,
): Promise<void> {
  try {
    const { app, host, port } = await make();
    closeWithGrace({ delay: graceMs, logger: false }, async ({ err }) => {
      if (err !== undefined) app.log.fatal({ err }, 'crashed');
      await app.close();
    });
    await app.listen({ host, port });
  } catch (error) {
    const line = error instanceof ConfigError ? error.message : `Could not start: ${String(error)}`;
    process.stderr.write(`${line}\n`);
    process.exit(1);
  }
}
