import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openDB } from 'idb';
import type { LineChanges } from './line-model.ts';
import { openLineStore } from './line-store.ts';
import type { Press } from './press.ts';

it('puts each press behind the others, also one that was made from another', async () => {
  const store = await openLineStore({ name: 'presses-in-order' });
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

const changes = (names: string[], others: Partial<LineChanges> = {}): LineChanges => ({
  queues: [],
  occupancy: null,
  isWhole: false,
  parties: names.map((name) => ({ id: name.toLowerCase(), name }) as never),
  forgotten: [],
  ...others,
});
const dayMs = 24 * 60 * 60_000;

it('keeps the changes of a line, apart from other lines', async () => {
  const store = await openLineStore({ name: 'changes' });
  const namesOf = async (owner: string) =>
    (await store.line(owner))?.line.parties.map(({ name }) => name);
  await store.saveLine('rui bar', 1, changes(['Ana', 'Bo', 'Cy'], { isWhole: true }));
  await store.saveLine('rui barn', 1, changes(['Ana'], { isWhole: true }));
  await store.saveLine('rui bar', 2, changes(['BO', 'Di'], { forgotten: ['ana'] }));
  assert.deepEqual(await namesOf('rui bar'), ['BO', 'Cy', 'Di']);
  assert.equal((await store.line('rui bar'))?.asOf, 2);
  await store.saveLine('rui bar', 3, changes(['Eva'], { isWhole: true }));
  assert.deepEqual(await namesOf('rui bar'), ['Eva']);
  assert.deepEqual(await namesOf('rui barn'), ['Ana']);
  store.close();
});

it('keeps no changes of a line that was deleted', async () => {
  const store = await openLineStore({ name: 'deleted' });
  await store.saveLine('rui bar', 1, changes(['Ana'], { isWhole: true }));
  await store.saveLine('eva bar', 1, changes(['Ana'], { isWhole: true }));
  await store.forget('rui');
  await assert.rejects(store.saveLine('rui bar', 2, changes(['Bo'])));
  assert.equal(await store.line('rui bar'), undefined);
  assert.equal((await store.line('eva bar'))?.line.parties.length, 1);
  store.close();
});

it('deletes the parties of a line that is a day old', async () => {
  const store = await openLineStore({ name: 'old' });
  await store.saveLine('rui bar', 1, changes(['Ana'], { isWhole: true }));
  await store.saveLine('rui club', 2, changes(['Ana'], { isWhole: true }));
  await store.sweep(dayMs + 2);
  assert.equal(await store.line('rui bar'), undefined);
  assert.equal((await store.line('rui club'))?.line.parties.length, 1);
  store.close();
  const db = await openDB('old');
  assert.equal(await db.count('parties'), 1);
  db.close();
});

it('makes way for a tab of a newer version', async () => {
  let isReplaced = false;
  const onReplaced = () => {
    isReplaced = true;
  };
  await openLineStore({ name: 'newer', onReplaced });
  const newer = await openDB('newer', 3);
  assert.ok(isReplaced);
  newer.close();
});

it('says that a tab of an older version is in its way, and opens once that is closed', async () => {
  const older = await openDB('older', 1, {
    upgrade: (db) => {
      db.createObjectStore('lines');
    },
  });
  const store = await openLineStore({ name: 'older', onBlocked: () => older.close() });
  assert.equal(await store.line('rui bar'), undefined);
  store.close();
});
