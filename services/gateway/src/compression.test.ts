import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { after, afterEach, before, describe, it } from 'node:test';
import {
  type Gateway,
  gatewayEnvironment,
  rawRequest,
  startGateway,
  startUpstreams,
  type Upstreams,
} from './testing.ts';

describe('compression', () => {
  let upstreams: Upstreams;
  let gateway: Gateway;
  before(async () => {
    upstreams = await startUpstreams();
    gateway = await startGateway(gatewayEnvironment(upstreams));
  });
  after(async () => {
    await upstreams.close();
    await gateway.app.close();
  });
  afterEach(() => upstreams.answerWith(async () => ({})));

  const call = (path: string, init: RequestInit = {}) => fetch(new URL(path, gateway.url), init);
  const get = (path: string, headers: Record<string, string> = {}) =>
    rawRequest(gateway.port, { path, headers: { 'accept-encoding': 'gzip, br', ...headers } });
  const answerWith = (type: string, body: string | Buffer | (() => Readable)) =>
    upstreams.answerWith((_request, reply) =>
      reply.type(type).send(typeof body === 'function' ? body() : body),
    );
  const encodingOf = async (path: string) =>
    (await get(path)).headers['content-encoding'] ?? 'none';
  const path = `/v1/positions/${randomUUID()}`;

  it('compresses more than a kilobyte, for clients that accept it', async () => {
    const long = JSON.stringify({ text: 'a'.repeat(2_000) });
    for (const type of ['application/json', 'text/csv; charset=utf-8', 'image/svg+xml']) {
      answerWith(type, long);
      assert.equal(await encodingOf(path), 'gzip', type);
    }
    answerWith('application/json', () => Readable.from(['a'.repeat(100_000)]));
    assert.equal(await encodingOf(path), 'gzip');
    assert.equal(await (await call(path)).text(), 'a'.repeat(100_000));

    answerWith('application/json', long);
    const { headers, body } = await get(path, { 'accept-encoding': 'identity' });
    assert.deepEqual([headers['content-encoding'], body], [undefined, long]);
    const { vary } = (await get(path)).headers;
    assert.match(String(vary), /accept-encoding/i);
  });

  it('leaves short responses, pictures and problems as they are', async () => {
    answerWith('application/json', JSON.stringify({ text: 'a'.repeat(900) }));
    assert.equal(await encodingOf(path), 'none');
    answerWith('image/png', Buffer.alloc(5_000));
    assert.equal(await encodingOf(path), 'none');
    assert.equal(await encodingOf('/nowhere'), 'none');
  });

  it('does not buffer a download', async () => {
    const download = new PassThrough();
    answerWith('text/csv; charset=utf-8', () => download);
    download.write(randomBytes(200_000).toString('hex'));
    const url = `/v1/queues/${randomUUID()}/parties.csv`;
    const headers = { authorization: `Bearer ${await upstreams.token()}` };
    const response = await call(url, { headers });
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    const reader = response.body?.getReader();
    assert.ok((await reader?.read())?.value?.length);
    download.end();
    for (let end = false; !end; ) end = (await reader?.read())?.done ?? true;
  });

  it('serves the OpenAPI document compressed, and once for clients that keep it', async () => {
    const plain = await get('/openapi.json', { 'accept-encoding': 'identity' });
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.equal(JSON.parse(plain.body).openapi, '3.1.0');
    const { status, headers } = await get('/openapi.json');
    assert.deepEqual([status, headers['content-encoding']], [200, 'gzip']);
    const { etag = '' } = headers;
    assert.equal(etag, plain.headers.etag);
    const again = await get('/openapi.json', { 'if-none-match': `"x", ${etag}` });
    assert.deepEqual([again.status, again.body, again.headers.etag], [304, '', etag]);
    assert.equal((await get('/openapi.json', { 'if-none-match': '"x"' })).status, 200);

    const script = await get('/docs/static/swagger-ui-bundle.js');
    assert.equal(script.headers['content-encoding'], undefined);
    const ifNoneMatch = { 'if-none-match': script.headers.etag ?? '' };
    assert.equal((await get('/docs/static/swagger-ui-bundle.js', ifNoneMatch)).status, 304);
  });
});
