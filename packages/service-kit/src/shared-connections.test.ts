import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import type { FastifyReply } from 'fastify';
import { createApp } from './create-app.ts';
import { credentialHeader } from './internal-credential.ts';
import { acceptSharedConnections, createSharedConnections } from './shared-connections.ts';
import { startWire, testCredential, testLogger, until } from './testing.ts';

/** A service with a stream to which tests write. */
async function startService(test: TestContext, silenceMsMax?: number) {
  const app = createApp({
    logger: testLogger,
    readiness: {},
    internalCredential: testCredential,
    sharesConnections: silenceMsMax === undefined,
  });
  if (silenceMsMax !== undefined) {
    acceptSharedConnections(app, { internalCredential: testCredential, silenceMsMax });
  }
  const streams: FastifyReply['raw'][] = [];
  const sockets = new Set<Socket>();
  let closed = 0;
  app.server.on('connection', (socket) => sockets.add(socket));
  // A stopping service ends its streams.
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.end('come back');
  });
  app.get('/stream', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/plain' });
    reply.raw.flushHeaders();
    reply.raw.on('close', () => {
      closed += 1;
    });
    streams.push(reply.raw);
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  test.after(() => app.close());
  return { app, url, streams, sockets, closed: () => closed };
}

function share(
  test: TestContext,
  options: { internalCredential?: string; silenceMsMax?: number } = {},
) {
  const connections = createSharedConnections({
    internalCredential: testCredential,
    connectTimeoutMs: 60_000,
    ...options,
  });
  test.after(() => connections.close());
  return connections;
}

async function wireTo(test: TestContext, url: string) {
  const wire = await startWire({ host: '127.0.0.1', port: Number(new URL(url).port) });
  test.after(() => wire.close());
  return { ...wire, url: `http://127.0.0.1:${wire.port}` };
}

async function begin(
  connection: ClientHttp2Session,
  path: string,
): Promise<{
  status: number | undefined;
  headers: IncomingHttpHeaders;
  stream: ClientHttp2Stream;
}> {
  const stream = connection.request({ ':path': path });
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  stream.on('error', () => undefined);
  return { status: headers[':status'] as number | undefined, headers, stream };
}

describe('shared connections', () => {
  it('carry any number of requests to the routes of the app', async (t) => {
    const service = await startService(t);
    const connections = share(t);
    const answers = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const connection = await connections.to(service.url);
        return begin(connection, '/livez');
      }),
    );
    for (const { status, stream } of answers) {
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(await text(stream)), { status: 'alive' });
    }
    const nothing = await begin(await connections.to(service.url), '/nothing');
    assert.equal(nothing.status, 404);
    assert.equal(nothing.headers['content-type'], 'application/problem+json');
    assert.match(await text(nothing.stream), /no route at this address/);
    assert.equal(service.sockets.size, 1);
  });

  it('stay open when many streams are cancelled at once', async (t) => {
    const service = await startService(t);
    const connection = await share(t).to(service.url);
    const stays = await begin(connection, '/stream');
    const crowd = await Promise.all(
      Array.from({ length: 5_000 }, () => begin(connection, '/stream')),
    );
    for (const { stream } of crowd) stream.close();
    await until('the service has seen them go', () => service.closed() === crowd.length);
    service.streams[0]?.end('still there');
    assert.equal(await text(stays.stream), 'still there');
  });

  it('do not block other streams when one is not read', async (t) => {
    const service = await startService(t);
    const connection = await share(t).to(service.url);
    const slow = await begin(connection, '/stream');
    const quick = await begin(connection, '/stream');
    const [toSlow, toQuick] = service.streams;
    slow.stream.pause();
    // More than the window of a stream, and together more than the default window of a connection.
    toSlow?.write(Buffer.alloc(1024 * 1024));
    toQuick?.end(Buffer.alloc(1024 * 1024));
    assert.equal((await text(quick.stream)).length, 1024 * 1024);
    slow.stream.close();
  });

  it('are opened again after they broke, and fail each request on them', async (t) => {
    const service = await startService(t);
    const connections = share(t);
    const connection = await connections.to(service.url);
    const { stream } = await begin(connection, '/stream');
    for (const socket of service.sockets) socket.destroy();
    await until('the stream is over', () => stream.closed);
    const next = await connections.to(service.url);
    assert.notEqual(next, connection);
    assert.equal((await begin(next, '/livez')).status, 200);
  });

  it('close at the service when the client is gone, also with data waiting', async (t) => {
    const service = await startService(t);
    const connections = share(t);
    const { stream } = await begin(await connections.to(service.url), '/stream');
    stream.pause();
    service.streams[0]?.write(Buffer.alloc(1024 * 1024));
    connections.close();
    await until('the service is rid of it', () => service.closed() === 1);
  });

  it('are destroyed by the client when the service is silent, however many requests it sends', async (t) => {
    const service = await startService(t);
    const wire = await wireTo(t, service.url);
    const connection = await share(t, { silenceMsMax: 100 }).to(wire.url);
    const { stream } = await begin(connection, '/stream');
    wire.set('silent');
    await until('it is over', () => {
      if (connection.destroyed) return stream.destroyed;
      connection.request({ ':path': '/livez' }).on('error', () => undefined);
      return false;
    });
  });

  it('are destroyed by the service when the client is silent', async (t) => {
    const service = await startService(t, 100);
    const wire = await wireTo(t, service.url);
    await begin(await share(t).to(wire.url), '/stream');
    wire.set('silent');
    await until('the service is rid of the stream', () => service.closed() === 1);
  });

  it('end with the app, after the last response was sent', async (t) => {
    const service = await startService(t);
    const connections = share(t);
    const connection = await connections.to(service.url);
    const told = await begin(connection, '/stream');
    const stuck = await begin(connection, '/stream');
    stuck.stream.pause();
    service.streams[1]?.write(Buffer.alloc(1024 * 1024));
    const reading = text(told.stream);
    await service.app.close();
    assert.equal(await reading, 'come back');
    await assert.rejects(connections.to(service.url), { code: 'ECONNREFUSED' });
  });

  it('are not pinged after they were destroyed, while they close', async (t) => {
    const service = await startService(t, 200);
    const { port } = service.app.server.address() as AddressInfo;
    // A client that speaks the protocol but never closes its side.
    const stays = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    stays.write(
      `GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: shared-http2\r\n${credentialHeader}: ${testCredential}\r\n\r\n`,
    );
    await once(stays, 'data');
    const noSettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    stays.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), noSettings]));
    await once(stays, 'data');
    await service.app.close();
    stays.destroy();
  });

  it('require the internal credential; other upgrades are ignored', async (t) => {
    const service = await startService(t);
    const stranger = share(t, { internalCredential: 'a-guess-that-is-long-enough-but-wrong-01' });
    await assert.rejects(stranger.to(service.url), /responded with 401/);
    // A client that keeps the connection open after the refusal.
    const { port } = service.app.server.address() as AddressInfo;
    const stays = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    stays.write(
      'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: shared-http2\r\n\r\n',
    );
    assert.match(await text(stays), /^HTTP\/1\.1 401 /);
    await until('the service let go of it', () => [...service.sockets].at(-1)?.destroyed);
    stays.destroy();
    const answer = await new Promise<string>((resolve) => {
      const socket = createConnection(port, '127.0.0.1');
      socket.write(
        'GET /livez HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n',
      );
      resolve(text(socket));
    });
    assert.match(answer, /^HTTP\/1\.1 200 /);
  });

  it('fail after the connect timeout, and where the server does not accept them', async (t) => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    const connections = createSharedConnections({
      internalCredential: testCredential,
      connectTimeoutMs: 50,
    });
    const { port } = silent.address() as AddressInfo;
    await assert.rejects(connections.to(`http://127.0.0.1:${port}`), /no response in time/);

    const plain = createApp({
      logger: testLogger,
      readiness: {},
      internalCredential: testCredential,
    });
    t.after(() => plain.close());
    const url = await plain.listen({ host: '127.0.0.1', port: 0 });
    await assert.rejects(share(t).to(url), /responded with 404/);
  });
});
