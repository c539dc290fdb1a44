import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Event } from '@queue-manager/contracts/events';
import { createPublisher, type Publisher } from '@queue-manager/events/publish';
import { type TestQueues, testQueues } from '@queue-manager/events/testing';
import { venueFeed } from '@queue-manager/events/topology';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import type { WorkLoop } from '../db/work-loop.ts';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { createVenueFeed } from './venue-feed.ts';

describe('venue feed', () => {
  let service: QueueService;
  let broker: TestQueues;
  let publisher: Publisher;
  const running: WorkLoop[] = [];
  before(async () => {
    service = await startQueueService();
    broker = await testQueues();
    publisher = createPublisher({ ...broker, receivers: () => [venueFeed.queue] });
  });
  after(async () => {
    await broker.drop();
    await service.stop();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((feed) => feed.stop()));
    await service.db.deleteFrom('feed_cursors').execute();
  });

  function start(over: Publisher = publisher): WorkLoop {
    const { db, clock, deps } = service;
    const feed = createVenueFeed({ db, clock, logger: deps.logger, publisher: over });
    feed.start();
    running.push(feed);
    return feed;
  }
  /** Keeps what is published instead of sending it; those that `refuses` names fail. */
  function recording(refuses: (event: Event) => boolean = () => false) {
    const events: Event[] = [];
    const over: Publisher = {
      async publish(all) {
        const failed = all.filter(refuses);
        for (const event of all) if (!failed.includes(event)) events.push(event);
        return { failed: new Map(failed.map(({ id }) => [id, 'refused'])), unanswered: new Map() };
      },
    };
    return { events, publisher: over };
  }
  const switchTo = (feed: boolean, { venueId, owner }: { venueId: string; owner: string }) =>
    service.call('PATCH', `/v1/venues/${venueId}`, { as: owner, body: { feed } });
  const idsOf = async (queueId: string) =>
    (await service.eventsOf(queueId)).map(({ id }) => bytesToUuid(id));
  const cursors = (venueId: string) =>
    service.db
      .selectFrom('feed_cursors')
      .selectAll()
      .where('venue_id', '=', uuidToBytes(venueId))
      .execute();
  /** Whether the cursor of the queue has reached its last event. */
  const isSent = async (venueId: string, queueId: string) => {
    const seq = (await service.eventsOf(queueId)).length;
    return (await cursors(venueId)).some(
      (cursor) => bytesToUuid(cursor.queue_id) === queueId && cursor.seq === seq,
    );
  };

  it('sends the events from switching it on until switching it off', async () => {
    const line = await service.openLine();
    const { venueId, queueId, owner } = line;
    await service.add(queueId, owner);
    assert.equal((await switchTo(true, line)).body.feed, true);
    assert.equal((await switchTo(true, line)).body.feed, true);
    const { body: party } = await service.add(queueId, owner);
    await service.move(party, 'call', owner);
    start();
    await until('it is sent', () => isSent(venueId, queueId));
    assert.equal(await broker.count(venueFeed.queue), 2);
    const [message, ...ofSameParty] = await broker.receive(venueFeed.queue);
    assert.equal(JSON.parse(message?.Body ?? '').id, (await idsOf(queueId)).at(-2));
    assert.deepEqual(ofSameParty, []);
    assert.equal((await switchTo(false, line)).body.feed, false);
    assert.deepEqual(await cursors(venueId), []);
    const { body: venue } = await service.call('GET', `/v1/venues/${venueId}`, { as: owner });
    assert.equal(venue.feed, false);
  });

  it('includes queues that are created later, with all their events', async () => {
    const line = await service.openLine();
    const { venueId, owner } = line;
    await switchTo(true, line);
    const { body: queue } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Bar' },
    });
    const { events, publisher } = recording();
    start(publisher);
    await until('it is sent', () => isSent(venueId, queue.id));
    assert.deepEqual(
      events.map(({ id }) => id),
      await idsOf(queue.id),
    );
  });

  it('sends for each queue from one instance at a time, in the order of the line', async () => {
    const lines = await Promise.all([1, 2, 3].map(() => service.openLine()));
    await Promise.all(lines.map((line) => switchTo(true, line)));
    const sent = new Map<string, number[]>();
    let atOnce = 0;
    const busy = new Set<string>();
    const over: Publisher = {
      async publish(all) {
        const queueId = (all[0] as Event & { data: { queueId: string } }).data.queueId;
        if (busy.has(queueId)) atOnce += 1;
        busy.add(queueId);
        await new Promise(setImmediate);
        const seqs = sent.get(queueId) ?? [];
        sent.set(queueId, seqs);
        for (const { data } of all) if ('party' in data) seqs.push(data.party.seq);
        busy.delete(queueId);
        return { failed: new Map(), unanswered: new Map() };
      },
    };
    for (let instance = 0; instance < 3; instance += 1) start(over);
    for (let n = 0; n < 10; n += 1) {
      await Promise.all(lines.map(({ queueId, owner }) => service.add(queueId, owner)));
    }
    for (const { venueId, queueId } of lines) {
      await until('it is sent', () => isSent(venueId, queueId));
      const seqs = sent.get(queueId) ?? [];
      assert.equal(seqs.length, 10);
      assert.deepEqual(
        seqs,
        seqs.toSorted((a, b) => a - b),
      );
    }
    assert.equal(atOnce, 0);
  });

  it('goes on before the first event that was refused, and skips none', async () => {
    const line = await service.openLine();
    const { venueId, queueId, owner } = line;
    await switchTo(true, line);
    for (let n = 0; n < 4; n += 1) await service.add(queueId, owner);
    const wanted = (await idsOf(queueId)).slice(-4);
    let refused = 0;
    const { events, publisher } = recording(({ id }) => {
      if (id === wanted[1]) refused += 1;
      return id === wanted[1] && refused < 3;
    });
    start(publisher);
    await until('it is sent', () => isSent(venueId, queueId));
    assert.equal(refused, 3);
    // At least once, and the refused one at last.
    assert.deepEqual(new Set(events.map(({ id }) => id)), new Set(wanted));
    assert.deepEqual(
      events.slice(-3).map(({ id }) => id),
      wanted.slice(1),
    );
  });

  it('sends what an instance had taken when it was killed, once its lease is over', async () => {
    const line = await service.openLine();
    const { venueId, queueId, owner } = line;
    await switchTo(true, line);
    await service.add(queueId, owner);
    const { now } = service.clock;
    await service.db
      .updateTable('feed_cursors')
      .set({ leased_until: new Date(now.call(service.clock).getTime() + 60_000) })
      .where('venue_id', '=', uuidToBytes(venueId))
      .execute();
    const other = await service.openLine();
    await switchTo(true, other);
    await service.add(other.queueId, other.owner);
    const { events, publisher } = recording();
    start(publisher);
    await until('the other is sent', () => isSent(other.venueId, other.queueId));
    assert.equal(events.length, 1);
    service.clock.advance(60);
    await until('it is sent', () => isSent(venueId, queueId));
    assert.equal(events.length, 2);
  });

  it('ends when the venue is deleted, and is for managers', async () => {
    const line = await service.openLine();
    const host = await service.member(line.venueId, 'host');
    const url = `/v1/venues/${line.venueId}`;
    assertProblem(
      await service.call('PATCH', url, { as: host, body: { feed: true } }),
      'forbidden',
    );
    await switchTo(true, line);
    assert.equal((await cursors(line.venueId)).length, 1);
    await service.call('DELETE', url, { as: line.owner });
    assert.deepEqual(await cursors(line.venueId), []);
  });
});
