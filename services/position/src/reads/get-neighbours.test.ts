import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import { lineKeys } from '../projection/line-keys.ts';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  startPosition,
  startQueueService,
} from '../testing.ts';

const clock = new ManualClock();

describe('POST /internal/queues/{queueId}/neighbours', () => {
  let queueService: QueueServiceDouble;
  let position: PositionDouble;
  let impatient: PositionDouble;

  const started = new AsyncDisposableStack();
  before(async () => {
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    const start = async (eventWaitMs: number) =>
      started.adopt(
        await startPosition({ redisUrl: testEnv('REDIS_URL'), queueService, clock, eventWaitMs }),
        (service) => service.close(),
      );
    position = await start(60_000);
    impatient = await start(0);
  });
  after(() => started.disposeAsync());

  /** Two priority parties before three regular ones, and one that was called. */
  async function openLine(): Promise<LineModel> {
    const model = new LineModel(clock);
    queueService.lines.set(model.queueId, model);
    for (let count = 0; count < 3; count += 1) model.join('regular');
    for (let count = 0; count < 2; count += 1) model.join('priority');
    model.call(model.join('priority').subject);
    assert.equal((await position.apply(model.events)).status, 200);
    return model;
  }

  function neighbour(model: LineModel, partyId: string | undefined) {
    const party = model.parties.get(partyId ?? '');
    return party === undefined
      ? null
      : { lane: party.lane, orderKey: party.orderKey, partyId: party.partyId };
  }

  it('returns the parties before and behind every place, without the party itself', async () => {
    const model = await openLine();
    const order = model.order();
    for (const [index, partyId] of order.entries()) {
      const others = order.filter((other) => other !== partyId);
      const expect = (place: number) => ({
        seq: model.queue.seq,
        from: index + 1,
        position: place,
        before: neighbour(model, others[place - 2]),
        behind: neighbour(model, others[place - 1]),
      });
      for (const wanted of [1, 2, 3, 4, 5, 6, 1_000_000]) {
        const to = { position: wanted };
        const { body } = await position.neighbours(model.queueId, { partyId, seq: 0, to });
        assert.deepEqual(body, expect(Math.min(wanted, 5)), `${index + 1} to ${wanted}`);
      }
      for (const places of [1, 2, 3, 4, 5, 10]) {
        const to = { places };
        const { body } = await position.neighbours(model.queueId, { partyId, seq: 0, to });
        assert.deepEqual(body, expect(Math.min(index + 1 + places, 5)), `${index + 1} + ${places}`);
      }
    }
  });

  it('returns no neighbours for a party that does not wait', async () => {
    const model = await openLine();
    const called = model.inState('called')[0]?.partyId as string;
    for (const partyId of [called, randomUUID()]) {
      const asked = { partyId, seq: 0, to: { position: 1 } };
      const { status, body } = await position.neighbours(model.queueId, asked);
      assert.equal(status, 200);
      const nowhere = { from: null, position: null, before: null, behind: null };
      assert.deepEqual(body, { seq: model.queue.seq, ...nowhere });
    }
  });

  it('counts a called party, if asked, as waiting at the place it was called from', async () => {
    const model = await openLine();
    // Keys that are prefixes of others, and bytes that are no ASCII.
    for (const orderKey of ['41', '61', '4100', '7a', 'c3a4', 'ff', '02', '0261']) {
      const lane = orderKey.length > 2 ? 'priority' : 'regular';
      const party = model.join(lane).subject;
      model.change(party, { orderKey });
    }
    assert.equal((await position.apply(model.events)).status, 200);
    const order = model.order();
    for (const [index, partyId] of order.entries()) {
      await position.apply([model.call(partyId)]);
      const others = model.order();
      for (const places of [1, 3, 10]) {
        const asked = { partyId, seq: model.queue.seq, to: { places } };
        const { body } = await position.neighbours(model.queueId, { ...asked, called: true });
        const place = Math.min(index + places, others.length);
        assert.deepEqual(body, {
          seq: model.queue.seq,
          from: index + 1,
          position: place + 1,
          before: neighbour(model, others[place - 1]),
          behind: neighbour(model, others[place]),
        });
      }
      await position.apply([model.change(partyId, { state: 'waiting' })]);
    }
  });

  it('returns no neighbours when the called party is the only one, nor for one that has left', async () => {
    const model = new LineModel(clock);
    queueService.lines.set(model.queueId, model);
    const partyId = model.join().subject;
    model.call(partyId);
    await position.apply(model.events);
    const ask = async () =>
      (
        await position.neighbours(model.queueId, {
          partyId,
          seq: model.queue.seq,
          to: { places: 2 },
          called: true,
        })
      ).body;
    const alone = { from: 1, position: 1, before: null, behind: null };
    assert.deepEqual(await ask(), { seq: model.queue.seq, ...alone });
    await position.apply([model.end(partyId, 'left')]);
    const nowhere = { from: null, position: null, before: null, behind: null };
    assert.deepEqual(await ask(), { seq: model.queue.seq, ...nowhere });
  });

  it('waits for an event in flight', async () => {
    const model = await openLine();
    const [first, second] = model.order() as [string, string];
    const left = model.end(first, 'left');
    const asked = { partyId: second, seq: model.queue.seq, to: { position: 1 } };
    const { snapshots } = queueService.calls;
    const [answer] = await Promise.all([
      position.neighbours(model.queueId, asked),
      position.apply([left]),
    ]);
    assert.deepEqual([answer.body.from, answer.body.seq], [1, model.queue.seq]);
    assert.equal(queueService.calls.snapshots, snapshots);
  });

  it('rebuilds the projection if the event does not arrive', async () => {
    const model = await openLine();
    const [first, second] = model.order() as [string, string];
    model.end(first, 'left');
    const asked = { partyId: second, seq: model.queue.seq, to: { position: 1 } };
    const { snapshots } = queueService.calls;
    const { body } = await impatient.neighbours(model.queueId, asked);
    assert.deepEqual([body.from, body.seq], [1, model.queue.seq]);
    assert.equal(queueService.calls.snapshots, snapshots + 1);
  });

  it('rebuilds a missing projection, and returns 404 for a deleted queue', async () => {
    const model = await openLine();
    const [first] = model.order() as [string];
    const snapshots = queueService.calls.snapshots;
    await position.redis.del(lineKeys(model.queueId, clock.now())[1] as string);
    const asked = { partyId: first, seq: 0, to: { position: 2 } };
    assert.equal((await position.neighbours(model.queueId, asked)).body.from, 1);
    assert.equal(queueService.calls.snapshots, snapshots + 1);
    assert.equal((await position.neighbours(randomUUID(), asked)).status, 404);
    await position.apply([model.changeQueue({ deleted: true })]);
    await until('the queue is deleted', async () => {
      const { status } = await position.neighbours(model.queueId, asked);
      return status === 404;
    });
  });
});
