import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('call next', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  /** A line of the given guests, and a way to call the next of them by name. */
  async function lineOf(guests: readonly (readonly [string, number, string?])[]) {
    const { owner, queueId } = await service.openLine();
    for (const [name, size, lane = 'regular'] of guests) {
      await service.add(queueId, owner, { name, size, lane });
    }
    const next = (body?: object) =>
      service.call('POST', `/v1/queues/${queueId}/call-next`, { as: owner, body });
    return { owner, queueId, next };
  }

  it('calls in the order of the line, priority first, until no party waits', async () => {
    const { owner, queueId, next } = await lineOf([
      ['r1', 2],
      ['p1', 2, 'priority'],
      ['r2', 2],
      ['p2', 2, 'priority'],
    ]);
    for (const name of ['p1', 'p2', 'r1', 'r2']) {
      const { status, body } = await next();
      assert.deepEqual([status, body.name, body.state], [200, name, 'called']);
      assert.deepEqual([body.calls, body.position, body.estimate], [1, null, null]);
      assert.equal(body.calledAt, service.clock.now().toISOString());
    }
    assertProblem(await next(), 'nobody-waiting');
    const { body: queue } = await service.call('GET', `/v1/queues/${queueId}`, { as: owner });
    assert.deepEqual([queue.waiting, queue.called], [0, 4]);
    await service.assertSound(queueId);
  });

  it('calls the first party that fits the filter, and changes no other', async () => {
    const guests = [
      ['a4', 4],
      ['b2', 2],
      ['c6', 6],
      ['d2', 2],
      ['e1', 1],
      ['f4', 4, 'priority'],
    ] as const;
    for (const [filter, names] of [
      [{ maxSize: 2 }, ['b2', 'd2', 'e1']],
      [{ minSize: 5 }, ['c6']],
      [{ minSize: 2, maxSize: 4 }, ['f4', 'a4', 'b2', 'd2']],
      [{ minSize: 4, maxSize: 4 }, ['f4', 'a4']],
      [{ minSize: 1, maxSize: 100 }, ['f4', 'a4', 'b2', 'c6', 'd2', 'e1']],
      [{ lane: 'priority' }, ['f4']],
      [{ lane: 'regular', maxSize: 4 }, ['a4', 'b2', 'd2', 'e1']],
      [{ lane: 'priority', maxSize: 3 }, []],
      [{ minSize: 7 }, []],
    ] as const) {
      const { next, queueId } = await lineOf(guests);
      for (const name of names) {
        const { status, body } = await next(filter);
        assert.deepEqual([status, body.name], [200, name]);
      }
      assertProblem(await next(filter), 'nobody-waiting');
      assert.equal((await service.rowOf(queueId)).waiting, guests.length - names.length);
      await service.assertSound(queueId);
    }
  });

  it('skips parties that are not waiting', async () => {
    const { owner, queueId, next } = await lineOf([
      ['a', 2],
      ['b', 2],
      ['c', 2],
      ['d', 2],
      ['e', 2],
    ]);
    const parties = await service.listAll(queueId, owner);
    for (const [index, move] of [
      [0, 'call'],
      [1, 'seat'],
      [2, 'leave'],
      [3, 'remove'],
    ] as const) {
      const party = parties[index];
      assert.ok(party !== undefined);
      await service.move(party, move, owner);
    }
    assert.equal((await next({ maxSize: 4 })).body.name, 'e');
    assertProblem(await next(), 'nobody-waiting');
  });

  it('refuses invalid filters', async () => {
    const { next, queueId } = await lineOf([['a', 2]]);
    for (const [filter, path] of [
      [{ minSize: 3, maxSize: 2 }, 'minSize'],
      [{ minSize: 0 }, 'minSize'],
      [{ maxSize: 101 }, 'maxSize'],
      [{ maxSize: '4' }, 'maxSize'],
      [{ lane: 'vip' }, 'lane'],
      [{ size: 2 }, 'size'],
    ] as const) {
      assert.deepEqual(assertProblem(await next(filter), 'validation-failed'), [path]);
    }
    assert.equal((await service.rowOf(queueId)).waiting, 1);
  });
});
