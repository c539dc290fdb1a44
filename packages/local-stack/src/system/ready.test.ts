import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, mock, suite, test } from 'node:test';
import { testEnv, uniqueName } from '@queue-manager/service-kit/testing';
import { planDemo } from './demo.ts';
import { demoRows, demoTriesMs } from './ready.ts';

const gatewayUrl = testEnv('GATEWAY_URL');
const addresses = { gatewayUrl, publicUrl: gatewayUrl, mailUrl: testEnv('MAIL_URL') };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'queue-manager-ready-'));
  planDemo(folder, `${uniqueName('owner')}@demo.queue-manager.dev`);
});
afterEach(() => {
  mock.restoreAll();
  rmSync(folder, { recursive: true });
});

suite('the rows of the demo data', () => {
  test('are there although the gateway was busy at first', async () => {
    mock.method(globalThis, 'fetch', async () => new Response('', { status: 503 }), { times: 2 });
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const rows = await demoRows(folder, addresses, say, AbortSignal.timeout(demoTriesMs));
    assert.deepEqual(
      rows?.map(([title]) => title),
      ['Demo owner', 'Join page', 'Board'],
    );
    assert.deepEqual(said, []);
  });

  test('are undefined when the time is up, and what failed is said', async () => {
    mock.method(globalThis, 'fetch', async () => new Response('', { status: 503 }));
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    assert.equal(await demoRows(folder, addresses, say, AbortSignal.abort()), undefined);
    assert.equal(said.length, 1);
    assert.match(
      said[0] ?? '',
      /^The demo data could not be created: .*503.* The next start tries again\.$/,
    );
  });
});
