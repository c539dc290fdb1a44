import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openLineStore } from './line-store.ts';
import type { Press } from './press.ts';

it('puts each press behind the others, also one that was made from another', async () => {
  const store = await openLineStore('presses-in-order');
  const press: Press = {
    id: 'plus',
    owner: 'rui venue',
    at: 1,
    action: { kind: 'count', delta: 5 },
    party: null,
    after: null,
    seq: null,
    saw: null,
    key: 'key-1',
    sentAt: null,
    request: null,
    failures: 0,
    refusal: null,
  };
  await store.addPress(press);
  const [kept] = await store.presses(press.owner);
  await store.addPress({ ...(kept as Press), id: 'minus' });
  await store.takeBack('plus');
  await store.addPress({ ...press, id: 'next' });
  assert.deepEqual(
    (await store.presses(press.owner)).map(({ id }) => id),
    ['minus', 'next'],
  );
  store.close();
});
