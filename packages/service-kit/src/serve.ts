import { setTimeout as delay } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import type { FastifyInstance } from 'fastify';
import { ConfigError } from './config.ts';
import type { TraceExport } from './telemetry/export-traces.ts';

/** How long a service may take to stop. */
const graceMs = 10_000;

/**
 * Runs a service: starts it, and closes it gracefully on SIGTERM, SIGINT or a crash (its `onClose` hooks end
 * consumers and connections). When the start fails, prints one line and exits with code 1.
 *
 * @param options.lingerMs for how long after SIGTERM it still responds on idle connections, 300 by default: closed at
 * once, they would cost callers what they are sending. Those in use have ended by then.
 */
export async function serve(
  make: () => Promise<{
    app: FastifyInstance;
    host: string;
    port: number;
    traces?: TraceExport | undefined;
  }>,
  { lingerMs = 300 } = {},
): Promise<void> {
  try {
    const { app, host, port, traces } = await make();
    closeWithGrace({ delay: graceMs, logger: false }, async ({ err, signal }) => {
      if (err !== undefined) app.log.fatal({ err }, 'crashed');
      if (signal === 'SIGTERM') {
        app.endConnections();
        await delay(lingerMs);
      }
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
