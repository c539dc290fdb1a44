import closeWithGrace from 'close-with-grace';
import type { FastifyInstance } from 'fastify';
import { ConfigError } from './config.ts';
import type { TraceExport } from './telemetry/export-traces.ts';

/** How long a service may take to stop. */
const graceMs = 10_000;

/**
 * Runs a service: starts it, and closes it gracefully on SIGTERM, SIGINT or a crash (its `onClose` hooks end
 * consumers and connections). When the start fails, prints one line and exits with code 1.
 */
export async function serve(
  make: () => Promise<{
    app: FastifyInstance;
    host: string;
    port: number;
    traces?: TraceExport | undefined;
  }>,
): Promise<void> {
  try {
    const { app, host, port, traces } = await make();
    closeWithGrace({ delay: graceMs, logger: false }, async ({ err }) => {
      if (err !== undefined) app.log.fatal({ err }, 'crashed');
      await app.close();
      await traces?.stop();
    });
    await app.listen({ host, port });
  } catch (error) {
    exitBecause(error);
  }
}

/** Runs a program that ends by itself. When it fails, prints one line and exits with code 1. */
export async function runOnce(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    exitBecause(error);
  }
}

function exitBecause(error: unknown): never {
  const line = error instanceof ConfigError ? error.message : `Could not start: ${String(error)}`;
  process.stderr.write(`${line}\n`);
  process.exit(1);
}
