import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { until } from '@queue-manager/service-kit/testing';
import {
  type KeyService,
  problemOf,
  startBroker,
  startKeyService,
  type TestBroker,
} from '../testing.ts';

describe('API keys', () => {
  let keys: KeyService;
  let broker: TestBroker;
  before(async () => {
    keys = await startKeyService();
    broker = await startBroker({ clock: new ManualClock(), keys });
  });
  after(async () => {
    await broker.close();
    await keys.close();
  });

  it('reach the messages of their own venue only', async () => {
    const [mine, other] = [keys.newKey(), keys.newKey()];
    const same = keys.newKey(mine.venueId);
    const { id } = (await broker.program(mine.key).publish(1)).body;
    assert.equal((await broker.program(other.key).stats()).body.ready, 0);
    assert.deepEqual((await broker.program(other.key).consume('x')).body, []);
    assert.equal((await broker.program(same.key).consume('x')).body[0].id, id);
    assert.equal((await broker.program(other.key).finish('x', id)).body, false);
  });

  it('are refused unless they are whole and known', async () => {
    const { key } = keys.newKey();
    const unknown = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
    const otherId = `qm_A${key.slice(4)}`;
    for (const bad of [undefined, 'qm_', 'x', key.slice(3), otherId, `qm_${'A'.repeat(64)}`]) {
      const answer = await broker.call('GET', '/v1/consumer/stats', { key: bad });
      assert.equal(answer.status, 401, bad);
      assert.equal(problemOf(answer), 'unauthenticated');
    }
    assert.notEqual(unknown, key);
  });

  it('stop working within 5 s after they were deleted', async () => {
    const owner = keys.newKey();
    const program = broker.program(owner.key);
    assert.equal((await program.stats()).status, 200);
    owner.delete();
    const deletedAt = performance.now();
    await until('the key is refused', async () => (await program.stats()).status === 401);
    assert.ok(performance.now() - deletedAt < 5_000);
  });

  it('are checked once for many calls, and end waits when they were deleted', async () => {
    const owner = keys.newKey();
    const program = broker.program(owner.key);
    const before = keys.checks;
    await Promise.all(Array.from({ length: 20 }, () => program.stats()));
    assert.equal(keys.checks, before + 1);
    const waiting = program.consume('x', { wait: 20 });
    owner.delete();
    await until('the key is refused', async () => (await program.stats()).status === 401);
    await broker.program(keys.newKey(owner.venueId).key).publish(1);
    assert.equal((await waiting).status, 401);
  });

  it('get 503 with Retry-After while they cannot be checked', async () => {
    const owner = keys.newKey();
    keys.isUnavailable = true;
    const refused = await broker.program(owner.key).stats();
    keys.isUnavailable = false;
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    assert.equal((await broker.program(owner.key).stats()).status, 200);
  });
});
