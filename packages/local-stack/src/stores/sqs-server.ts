/**
 * The local SQS and SNS process:
 *
 *   node sqs-server.ts FOLDER PORT REGION
 */
import { existsSync } from 'node:fs';
import { Server } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startFauxqs } from 'fauxqs';

const [, , folder = '', port = '', region = ''] = process.argv;

// Queue URLs are stored with the port of the run that created them, and clients use the URL they get: update the
// stored URLs to the port of this run.
const file = join(folder, 'fauxqs.db');
if (existsSync(file)) {
  const database = new DatabaseSync(file);
  database
    .prepare(
      `UPDATE sqs_queues
          SET url = 'http://127.0.0.1:' || ? || substr(url, instr(substr(url, 9), '/') + 8)`,
    )
    .run(port);
  database.close();
}

// The default http://sqs.<region>.localhost:<port>/… does not resolve on every system.
const { SqsStore } = await import(new URL('sqs/sqsStore.js', import.meta.resolve('fauxqs')).href);
SqsStore.prototype.buildQueueUrl = (name: string) =>
  `http://127.0.0.1:${port}/000000000000/${name}`;

// fauxqs listens on every address and has no option to change that.
const listen = Server.prototype.listen;
Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  const [options] = args;
  if (typeof options === 'object' && options !== null && 'port' in options) {
    args[0] = { ...options, host: '127.0.0.1' };
  }
  return Reflect.apply(listen, this, args) as Server;
};

const server = await startFauxqs({
  port: Number(port),
  dataDir: folder,
  defaultRegion: region,
  logger: false,
});

process.once('SIGTERM', () => {
  void server.stop().then(() => process.exit(0));
});
