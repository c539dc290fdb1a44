import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { handler } from './ship-logs.ts';

suite('the function that sends logs to OpenSearch', () => {
  type Received = { path: string; headers: IncomingMessage['headers']; body: string };
  const received: Received[] = [];
  let bulkAnswer = { status: 200, errors: false };
  /** Plays Secrets Manager at / and OpenSearch at /_bulk. */
  const server = createServer(async (request, response) => {
    const { url: path = '', headers } = request;
    received.push({ path, headers, body: await text(request) });
    const isBulk = path === '/_bulk';
    response.statusCode = isBulk ? bulkAnswer.status : 200;
    response.end(
      JSON.stringify(
        isBulk ? { errors: bulkAnswer.errors } : { SecretString: '{"password":"pass"}' },
      ),
    );
  });
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    Object.assign(process.env, {
      OPENSEARCH_URL: url,
      OPENSEARCH_USER: 'operator',
      PASSWORD_SECRET: 'the-secret',
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'key',
    });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(() => {
    received.length = 0;
    bulkAnswer = { status: 200, errors: false };
  });

  const delivery = (messageType: string, messages: string[]) => {
    const batch = {
      messageType,
      owner: '111111111111',
      logGroup: '/queue-manager/prod/queue',
      logStream: 'queue/service/0',
      subscriptionFilters: ['filter'],
      logEvents: messages.map((message, index) => ({
        id: `id-${index}`,
        timestamp: Date.UTC(2026, 10, 29, 23, 59, 59),
        message,
      })),
    };
    return { awslogs: { data: gzipSync(JSON.stringify(batch)).toString('base64') } };
  };

  test('stores every line under its own id, in the index of its day', async () => {
    const line = { level: 50, name: 'queue', requestId: 'r1', msg: 'failed' };
    await handler(delivery('DATA_MESSAGE', [JSON.stringify(line), 'plain text', '17']));
    const bulk = received.at(-1);
    assert.equal(bulk?.path, '/_bulk');
    assert.equal(
      bulk.headers.authorization,
      `Basic ${Buffer.from('operator:pass').toString('base64')}`,
    );
    const common = {
      '@timestamp': '2026-11-29T23:59:59.000Z',
      logGroup: '/queue-manager/prod/queue',
    };
    const action = (id: string) => ({ index: { _index: 'logs-2026-11-29', _id: id } });
    assert.deepEqual(
      bulk.body
        .trimEnd()
        .split('\n')
        .map((part) => JSON.parse(part)),
      [
        action('id-0'),
        { ...common, ...line },
        action('id-1'),
        { ...common, msg: 'plain text' },
        action('id-2'),
        { ...common, msg: '17' },
      ],
    );
  });

  test('reads the password once, by a signed request', async () => {
    await handler(delivery('DATA_MESSAGE', ['a']));
    assert.deepEqual(
      received.map(({ path }) => path),
      ['/_bulk'],
    );
  });

  test('fails when a line was not stored, so that Lambda tries again', async () => {
    bulkAnswer = { status: 200, errors: true };
    await assert.rejects(handler(delivery('DATA_MESSAGE', ['a'])), /OpenSearch/);
    bulkAnswer = { status: 503, errors: false };
    await assert.rejects(handler(delivery('DATA_MESSAGE', ['a'])), /503/);
  });

  test('ignores the probe that CloudWatch sends', async () => {
    await handler(delivery('CONTROL_MESSAGE', ['']));
    assert.equal(received.length, 0);
  });
});
