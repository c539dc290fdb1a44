import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { closedPort } from '@queue-manager/service-kit/testing';
import { gatewayEnvironment, startGateway, startUpstreams } from './testing.ts';

/** A service that may be stopped and started again at the same address. */
async function startService(test: TestContext) {
  let server: Server;
  let stopped: Promise<unknown> = Promise.resolve();
  const received: string[] = [];
  const start = async (port: number) => {
    server = createServer((request, response) => {
      received.push(`${request.method}`);
      response.setHeader('content-type', 'application/json').end('{}');
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const stop = async () => {
    stopped = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await stopped;
  };
  const port = await start(0);
  test.after(stop);
  return { url: `http://127.0.0.1:${port}`, received, stop, start: () => start(port) };
}

describe('a gateway whose service refuses connections', () => {
  it('lets calls wait while it restarts, changes too, and sends each once', async (test) => {
    const upstreams = await startUpstreams();
    test.after(() => upstreams.close());
    const service = await startService(test);
    const gateway = await startGateway({
      ...gatewayEnvironment(upstreams),
      QUEUE_SERVICE_URL: service.url,
    });
    test.after(() => gateway.app.close());
    const headers = { authorization: `Bearer ${await upstreams.token()}` };
    const call = (method: string) => fetch(`${gateway.url}/v1/venues`, { method, headers });
    assert.equal((await call('GET')).status, 200);

    await service.stop();
    let answered = 0;
    const waiting = ['POST', 'GET', 'POST'].map((method) =>
      call(method).finally(() => {
        answered += 1;
      }),
    );
    // Another service answers meanwhile.
    await (await fetch(`${gateway.url}/v1/boards/x`)).body?.cancel();
    assert.equal(answered, 0);
    await service.start();
    for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
    assert.deepEqual(service.received.sort(), ['GET', 'GET', 'POST', 'POST']);
  });

  it('returns 503 at once if it has not responded lately', async (test) => {
    const upstreams = await startUpstreams();
    test.after(() => upstreams.close());
    const gateway = await startGateway({
      ...gatewayEnvironment(upstreams),
      QUEUE_SERVICE_URL: `http://127.0.0.1:${await closedPort()}`,
      // So that waiting would fail the test by its time.
      UPSTREAM_TIMEOUT_MS: '120000',
    });
    test.after(() => gateway.app.close());
    const answer = await fetch(`${gateway.url}/v1/join/ABCDEF`);
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  });

  it('returns 503 when it is not back before the deadline of the call', async (test) => {
    const upstreams = await startUpstreams();
    test.after(() => upstreams.close());
    const service = await startService(test);
    const gateway = await startGateway({
      ...gatewayEnvironment(upstreams),
      QUEUE_SERVICE_URL: service.url,
      UPSTREAM_TIMEOUT_MS: '500',
    });
    test.after(() => gateway.app.close());
    const read = () => fetch(`${gateway.url}/v1/join/ABCDEF`);
    assert.equal((await read()).status, 200);
    await service.stop();
    assert.equal((await read()).status, 503);
    await service.start();
    assert.equal((await read()).status, 200);
  });
});
