import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Event, EventOf } from '@queue-manager/contracts/events';
import { createPublisher, type Publisher } from '@queue-manager/events/publish';
import { type TestQueues, testQueues } from '@queue-manager/events/testing';
import type { QueueName } from '@queue-manager/events/topology';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { type QueueService, startQueueService } from '../testing.ts';
import { feedFirstMs, toLineEvent } from './line-event.ts';
import { createLineFeed } from './line-feed.ts';
import { createRelay, type Relay } from './relay.ts';

describe('relay', () => {
  let service: QueueService;
  let broker: TestQueues;
  let publisher: Publisher;
  const running: Relay[] = [];

  before(async () => {
    service = await startQueueService();
    broker = await testQueues();
    publisher = createPublisher(broker);
  });
  after(async () => {
    await broker.drop();
    await service.stop();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((relay) => relay.stop()));
    // The next test finds no message of this one.
    await received('position-events');
    await service.db.updateTable('events').set({ relay_at: null }).execute();
  });

  function start(over: Publisher = publisher): Relay {
    const { db, clock, deps } = service;
    const relay = createRelay({ db, clock, logger: deps.logger, publisher: over });
    relay.start();
    running.push(relay);
    return relay;
  }

  /** Every message that the queue holds now. */
  async function received<E extends Event>(queue: QueueName): Promise<E[]> {
    const events: E[] = [];
    for (;;) {
      const messages = await broker.receive(queue);
      if (messages.length === 0) return events;
      events.push(...messages.map(({ Body }) => JSON.parse(Body as string) as E));
    }
  }

  /** Sequence numbers of the events in the outbox. */
  const waiting = async () =>
    (
      await service.db
        .selectFrom('events')
        .select('seq')
        .where('relay_at', 'is not', null)
        .orderBy('seq')
        .execute()
    ).map(({ seq }) => seq);
  /** Ends the time that events are left to the feed, which delivers none of them in these tests. */
  const endFeedTime = () => service.clock.advance(feedFirstMs / 1_000);
  const isEmpty = async () => (await waiting()).length === 0;
  const idsOf = async (queueId: string) =>
    (await service.eventsOf(queueId)).map(({ id }) => bytesToUuid(id));

  /** A publisher whose SQS is unreachable. */
  function unreachablePublisher(): Publisher {
    const sqs = new SQSClient({ endpoint: 'http://127.0.0.1:1', maxAttempts: 1 });
    return createPublisher({ sqs, prefix: broker.prefix });
  }

  it('sends the position service every event that the feed did not deliver, in the order of the line', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner);
    await service.move(party, 'seat', owner);
    await service.call('POST', `/v1/queues/${queueId}/close`, { as: owner });
    endFeedTime();
    start();
    await until('the outbox is empty', isEmpty);
    const events = await received('position-events');
    assert.deepEqual(
      events.map(({ id }) => id),
      await idsOf(queueId),
    );
    // By SQS comes what came directly.
    const direct = service.positionApp.events.filter(({ data }) => data.queueId === queueId);
    assert.deepEqual(events, direct);
  });

  it('sends the deletion of a venue to this service, once and complete', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    start();
    // Its personal data stays until its guests have their mails.
    service.clock.advance(5);
    await until('the outbox is empty', isEmpty);
    const [event, ...none] = await received<EventOf<'venue.deleted'>>('queue-events');
    assert.deepEqual(none, []);
    assert.deepEqual(
      [event?.type, event?.subject, event?.data],
      ['venue.deleted', venueId, { venueId }],
    );
    const ofLine = await received('position-events');
    assert.deepEqual(
      ofLine.map(({ id }) => id),
      await idsOf(queueId),
    );
  });

  it('runs at once when it is woken', async () => {
    const { owner, queueId } = await service.openLine();
    const relay = start();
    endFeedTime();
    await until('the outbox is empty', isEmpty);
    for (let round = 0; round < 3; round += 1) {
      await service.add(queueId, owner);
      endFeedTime();
      relay.wake();
      await until('the outbox is empty', isEmpty);
    }
    const ids = (await received('position-events')).map(({ id }) => id);
    assert.deepEqual(ids, await idsOf(queueId));
  });

  it('keeps events while SQS is unavailable, and sends them when it is back', async () => {
    const { owner, queueId } = await service.openLine();
    let tries = 0;
    let isUnavailable = true;
    const unreachable = unreachablePublisher();
    const relay = start({
      publish(events) {
        tries += 1;
        return (isUnavailable ? unreachable : publisher).publish(events);
      },
    });
    await service.add(queueId, owner, { email: 'ana@example.com' });
    await service.call('POST', `/v1/queues/${queueId}/call-next`, { as: owner });
    endFeedTime();
    await until('it has tried in vain twice', () => tries >= 2);
    assert.deepEqual(await waiting(), [1, 2, 3]);
    isUnavailable = false;
    relay.wake();
    await until('the outbox is empty', isEmpty);
    const ids = (await received('position-events')).map(({ id }) => id);
    assert.deepEqual(ids, await idsOf(queueId));
  });

  it('sends later events although SQS refuses an earlier one', async () => {
    const { owner, queueId } = await service.openLine();
    const bad = 100;
    await Promise.all(Array.from({ length: bad + 20 }, () => service.add(queueId, owner)));
    const events = await service.eventsOf(queueId);
    // As if an older version had written what today's contract does not know.
    await service.db
      .updateTable('events')
      .set({ data: '{}' })
      .where('queue_id', '=', uuidToBytes(queueId))
      .where('seq', '>', 1)
      .where('seq', '<=', 1 + bad)
      .execute();
    endFeedTime();
    service.clock.advance(1);
    const relay = start();
    await until('all others have gone', async () => (await waiting()).length === bad);
    const good = events.filter(({ seq }) => seq === 1 || seq > 1 + bad);
    assert.deepEqual(
      (await received('position-events')).map(({ id }) => id).sort(),
      good.map(({ id }) => bytesToUuid(id)).sort(),
    );
    // Mended, it goes out as well.
    for (const { seq, data } of events) {
      await service.db
        .updateTable('events')
        .set({ data })
        .where('queue_id', '=', uuidToBytes(queueId))
        .where('seq', '=', seq)
        .execute();
    }
    relay.wake();
    await until('the outbox is empty', isEmpty);
    assert.equal((await received('position-events')).length, bad);
  });

  it('loses no event when several relays share the work and one stops', async () => {
    const lines = await Promise.all([service.openLine(), service.openLine(), service.openLine()]);
    const relays = [start(), start()];
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(
        lines.flatMap(({ owner, queueId }) =>
          Array.from({ length: 15 }, async () => {
            await service.add(queueId, owner);
            endFeedTime();
            for (const relay of relays) relay.wake();
          }),
        ),
      );
      // One stops in the middle of its work, and another starts.
      await relays.shift()?.stop();
      relays.push(start());
    }
    await until('the outbox is empty', isEmpty);
    const ids = (await received('position-events')).map(({ id }) => id);
    const expected = (await Promise.all(lines.map(({ queueId }) => idsOf(queueId)))).flat();
    assert.deepEqual(new Set(ids), new Set(expected));
  });

  it('skips uncommitted changes without waiting for them', async () => {
    const { owner, queueId } = await service.openLine();
    const { promise: isHeld, resolve: hold } = Promise.withResolvers<void>();
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    const [made] = await service.eventsOf(queueId);
    const slow = service.db.transaction().execute(async (trx) => {
      await trx
        .insertInto('events')
        .values({
          ...(made as NonNullable<typeof made>),
          id: uuidToBytes(randomUUID()),
          seq: 9_999,
          // The oldest of all.
          relay_at: new Date(0),
        })
        .execute();
      hold();
      await isReleased;
    });
    await isHeld;
    await service.add(queueId, owner);
    endFeedTime();
    const relay = start();
    try {
      const isThere = async () => (await received('position-events')).length > 0;
      await until('the others have gone', isThere);
      await until('the outbox is empty', isEmpty);
    } finally {
      release();
      await slow;
    }
    relay.wake();
    // Committed, it is sent as well.
    await until('it is sent', async () => (await received('position-events')).length === 1);
  });

  it('sends what an instance of the previous version left in its own table', async () => {
    const { owner, queueId } = await service.openLine();
    await service.add(queueId, owner);
    await service.db.updateTable('events').set({ relay_at: null }).execute();
    const queue_id = uuidToBytes(queueId);
    const pointer = { created_at: service.clock.now(), request_id: 'abc', traceparent: null };
    await service.db
      .insertInto('outbox')
      .values([1, 2, 3].map((seq) => ({ queue_id, seq, ...pointer })))
      .execute();
    start();
    const ids: string[] = [];
    await until('both events are sent', async () => {
      ids.push(...(await received('position-events')).map(({ id }) => id));
      return ids.length === 2;
    });
    assert.deepEqual(ids, await idsOf(queueId));
    await until('both tables are done', async () => {
      const left = await service.db.selectFrom('outbox').select('seq').execute();
      return left.length === 0 && (await isEmpty());
    });
    const requestIds = (await service.eventsOf(queueId)).map(({ request_id }) => request_id);
    assert.deepEqual(requestIds, ['abc', 'abc']);
  });

  describe('beside the feed', () => {
    const eventOf = async (queueId: string) => {
      const last = (await service.eventsOf(queueId)).at(-1);
      return toLineEvent(last as NonNullable<typeof last>);
    };

    it('does not send events that the feed delivered in time', async () => {
      const { owner, queueId } = await service.openLine();
      await service.add(queueId, owner);
      const relay = start();
      const feed = createLineFeed({ ...service.deps, relay, onCommitted() {}, budgetMs: 15_000 });
      const events = (await service.eventsOf(queueId)).map(toLineEvent);
      await feed.committed(events);
      await until('the outbox is empty', isEmpty);
      endFeedTime();
      relay.wake();
      await until('it had nothing to do', isEmpty);
      assert.deepEqual(await received('position-events'), []);
    });

    it('sends an event again whose delivery was not recorded before a crash', async () => {
      const { queueId } = await service.openLine();
      const event = await eventOf(queueId);
      const applied = service.positionApp.events.filter(({ id }) => id === event.id);
      assert.equal(applied.length, 1);
      // The process that knew of it is gone; another one's relay finds the event.
      endFeedTime();
      start();
      await until('the outbox is empty', isEmpty);
      assert.deepEqual(await received('position-events'), [event]);
    });

    it('sends an event that the feed could not deliver, from any process', async () => {
      service.positionApp.state.isUnavailable = true;
      try {
        const { queueId } = await service.openLine();
        const event = await eventOf(queueId);
        const [own, other] = [start(), start()];
        const feed = createLineFeed({
          ...service.deps,
          relay: own,
          onCommitted() {},
          budgetMs: 50,
        });
        assert.equal(await feed.committed([event]), null);
        await own.stop();
        assert.deepEqual(await waiting(), [1]);
        endFeedTime();
        other.wake();
        await until('the outbox is empty', isEmpty);
        assert.deepEqual(await received('position-events'), [event]);
      } finally {
        service.positionApp.state.isUnavailable = false;
      }
    });

    it('records what the feed delivered when it stops', async () => {
      const { queueId } = await service.openLine();
      const relay = start();
      await relay.stop();
      relay.delivered([await eventOf(queueId)]);
      await relay.stop();
      assert.deepEqual(await waiting(), []);
    });
  });
});
