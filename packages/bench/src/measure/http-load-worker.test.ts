import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import type { LoadResult } from './http-load-worker.ts';
import { startWorker } from './worker.ts';

it('the longest time includes requests that are unanswered at the end', async () => {
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    // All others stay unanswered.
    if (requests === 1) response.end();
  });
  const worker = await startWorker('packages/bench/src/measure/http-load-worker.ts');
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const result = (await worker.ask('run', {
      baseUrl: `http://127.0.0.1:${port}`,
      connections: 2,
      seconds: 1,
      method: 'GET',
      paths: ['/'],
      headers: {},
    })) as LoadResult;
    assert.ok(result.longestMs > 500, `${result.longestMs} ms`);
    assert.ok(result.p99 < result.longestMs);
  } finally {
    await worker.stop();
    server.closeAllConnections();
    server.close();
  }
});
