import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startRestartable } from '@queue-manager/service-kit/testing';
import { gatewayEnvironment, startGateway, startUpstreams } from './testing.ts';

describe('a gateway whose service refuses connections', () => {
  it('lets calls wait while it restarts, changes too, and sends each once', async (test) => {
    const upstreams = await startUpstreams();
    test.after(() => upstreams.close());
    const service = await startRestartable(test);
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

  it('returns 503 when it is not back before the deadline of the call', async (test) => {
    const upstreams = await startUpstreams();
    test.after(() => upstreams.close());
    const service = await startRestartable(test);
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
