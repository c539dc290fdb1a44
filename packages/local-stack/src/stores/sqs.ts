import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runStore, type StartedStore, type StoreContext } from './run-store.ts';

/** fauxqs, for SQS and SNS; provides AWS_ENDPOINT_URL_SQS and AWS_ENDPOINT_URL_SNS. */
export async function startSqs(context: StoreContext, region: string): Promise<StartedStore> {
  const folder = join(context.dataDir, 'sqs');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return runStore(context, {
    name: 'sqs',
    freePorts: 1,
    command: ([port]) => ({
      file: process.execPath,
      args: [
        fileURLToPath(new URL('sqs-server.ts', import.meta.url)),
        folder,
        String(port),
        region,
      ],
    }),
    async isReady([port], signal) {
      const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal });
      await answer.body?.cancel();
      return answer.ok;
    },
    environment: ([port]) => ({
      AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${port}`,
      AWS_ENDPOINT_URL_SNS: `http://127.0.0.1:${port}`,
    }),
    complaint: /error|malformed/i,
    readyWithinMs: 60_000,
    stopWithinMs: 10_000,
  });
}
