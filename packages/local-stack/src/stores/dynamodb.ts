import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runStore, type StartedStore, type StoreContext } from './run-store.ts';
import { requireProgram } from './system-packages.ts';

const jarFolder = join(
  dirname(createRequire(import.meta.url).resolve('amplify-dynamodb-simulator/package.json')),
  'emulator',
);

/**
 * DynamoDB Local; provides AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL_DYNAMODB_STREAMS. It separates tables by
 * access key, so a test with a random AWS_ACCESS_KEY_ID has its own database.
 */
export async function startDynamodb(context: StoreContext): Promise<StartedStore> {
  const java = requireProgram('java', context.env);
  const folder = join(context.dataDir, 'dynamodb');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return runStore(context, {
    name: 'dynamodb',
    freePorts: 1,
    command: ([port]) => ({
      file: java,
      args: [
        '-Xmx256m',
        // Both start faster and use less memory than the defaults for long-running servers.
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        `-Djava.library.path=${join(jarFolder, 'DynamoDBLocal_lib')}`,
        '-cp',
        [fileURLToPath(new URL('.', import.meta.url)), join(jarFolder, 'DynamoDBLocal.jar')].join(
          delimiter,
        ),
        'LoopbackDynamoDb',
        folder,
        String(port),
      ],
      cwd: folder,
    }),
    async isReady([port], signal) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': 'DynamoDB_20120810.ListTables',
          // Not verified, but must be well-formed.
          authorization:
            'AWS4-HMAC-SHA256 Credential=ready/20200101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
        },
        body: '{}',
        signal,
      });
      await answer.body?.cancel();
      return answer.ok;
    },
    environment: ([port]) => ({
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${port}`,
      AWS_ENDPOINT_URL_DYNAMODB_STREAMS: `http://127.0.0.1:${port}`,
    }),
    complaint: /exception|error|unsatisfied|could not/i,
    readyWithinMs: 60_000,
    stopWithinMs: 10_000,
  });
}
