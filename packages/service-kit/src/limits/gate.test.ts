import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { runInContext } from '../trace-context.ts';
import { createGate, createKeyedGate } from './gate.ts';

const busy = { code: 'unavailable', retryAfterSeconds: 1 };

type Work = ReturnType<typeof heldWork>;

/** Work that runs until it is ended. */
function heldWork() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: () => promise, end: resolve };
}

describe('gate', () => {
  it('runs as much as it may at once, and the rest in order', async () => {
    const gate = createGate({ atOnce: 2, waitingMax: 10 });
    const [first, second] = [heldWork(), heldWork()];
    const begun: number[] = [];
    const runs = [
      gate.run(first.work),
      gate.run(second.work),
      ...[3, 4].map((n) => gate.run(async () => void begun.push(n))),
    ];
    await new Promise(setImmediate);
    assert.deepEqual(begun, []);
    second.end();
    await Promise.all(runs.slice(1));
    assert.deepEqual(begun, [3, 4]);
    first.end();
    await runs[0];
  });

  it('refuses what is more than may wait, at once', async () => {
    const gate = createGate({ atOnce: 1, waitingMax: 1 });
    const held = heldWork();
    const runs = [gate.run(held.work), gate.run(async () => {})];
    await assert.rejects(
      gate.run(async () => {}),
      busy,
    );
    held.end();
    await Promise.all(runs);
    assert.equal(await gate.run(async () => 'free again'), 'free again');
  });

  it('does not begin what waited past its deadline, and gives its turn to the next', async () => {
    const gate = createGate({ atOnce: 1, waitingMax: 2 });
    const held = heldWork();
    const holding = gate.run(held.work);
    let hasBegun = false;
    const late = runInContext(
      {},
      () =>
        gate.run(async () => {
          hasBegun = true;
        }),
      { at: performance.now() + 5 },
    );
    const next = gate.run(async () => 'next');
    await assert.rejects(late, busy);
    held.end();
    await holding;
    assert.equal(await next, 'next');
    assert.equal(hasBegun, false);
  });

  it('refuses at once what would wait past its deadline', async () => {
    const gate = createGate({ atOnce: 1, waitingMax: 100 });
    for (let taken = 0; taken < 40; taken += 1) await gate.run(() => delay(5));
    const held = heldWork();
    const holding = gate.run(held.work);
    const waiting = Array.from({ length: 10 }, () => gate.run(async () => 'in time'));
    const inTenMs = performance.now() + 10;
    const late = runInContext({}, () => gate.run(async () => 'late'), { at: inTenMs }).catch(
      () => 'refused',
    );
    assert.equal(await Promise.race([late, new Promise(setImmediate)]), 'refused');
    held.end();
    await Promise.all([holding, ...waiting]);
  });

  it('does not begin what comes after its deadline', async () => {
    const gate = createGate({ atOnce: 1, waitingMax: 1 });
    const late = runInContext({}, () => gate.run(async () => 'begun'), {
      at: performance.now() - 1,
    });
    await assert.rejects(late, busy);
  });

  it('lets patient work wait however much waits', async () => {
    const gate = createGate({ atOnce: 1, waitingMax: 0 });
    const held = heldWork();
    const holding = gate.run(held.work);
    const patient = gate.run(async () => 'in its turn', { isPatient: true });
    held.end();
    await holding;
    assert.equal(await patient, 'in its turn');
  });

  it('goes on when work fails', async () => {
    const gate = createGate({ atOnce: 1, waitingMax: 1 });
    await assert.rejects(
      gate.run(async () => {
        throw new Error('broken');
      }),
      /broken/,
    );
    assert.equal(await gate.run(async () => 'fine'), 'fine');
  });
});

describe('keyed gate', () => {
  it('lets one key wait without the others', async () => {
    const gates = createKeyedGate({ atOnce: 1, waitingMax: 0 });
    const held = heldWork();
    const holding = gates.run('a', held.work);
    await assert.rejects(
      gates.run('a', async () => {}),
      busy,
    );
    assert.equal(await gates.run('b', async () => 'b'), 'b');
    held.end();
    await holding;
    assert.equal(await gates.run('a', async () => 'a'), 'a');
  });

  it('runs less of a key at once while there are others', async () => {
    const gates = createKeyedGate({
      atOnce: 2,
      atOnceAmongOthers: 1,
      waitingMax: 9,
      latelyMs: 0,
    });
    const works = Array.from({ length: 3 }, heldWork);
    const [first, second, other] = works as [Work, Work, Work];
    const begun: number[] = [];
    const note = async (n: number) => void begun.push(n);
    const running = [gates.run('a', first.work), gates.run('a', second.work)];
    const runningOther = gates.run('b', other.work);
    const waiting = [gates.run('a', () => note(1)), gates.run('a', () => note(2))];
    first.end();
    await running[0];
    assert.deepEqual(begun, []);
    other.end();
    await runningOther;
    second.end();
    await Promise.all([...running, ...waiting]);
    assert.deepEqual(begun, [1, 2]);
    const alone = [heldWork(), heldWork()];
    const both = alone.map(({ work }) => gates.run('a', work));
    await gates.run('c', () => note(3));
    for (const { end } of alone) end();
    await Promise.all(both);
  });

  it('counts others for a while after their work', async () => {
    const gates = createKeyedGate({
      atOnce: 2,
      atOnceAmongOthers: 1,
      waitingMax: 0,
      latelyMs: 60_000,
    });
    await gates.run('b', async () => {});
    const held = heldWork();
    const holding = gates.run('a', held.work);
    await assert.rejects(
      gates.run('a', async () => {}),
      busy,
    );
    held.end();
    await holding;
  });
});
