import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FeedEvent } from '@queue-manager/contracts/broker';
import { makeEvent } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import { createPublisher } from '@queue-manager/events/publish';
import { venueFeed } from '@queue-manager/events/topology';
import { LineModel } from '@queue-manager/position/testing';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { type KeyService, startBroker, startKeyService, type TestBroker } from '../testing.ts';

describe('events of a venue', () => {
  const clock = new ManualClock();
  let keys: KeyService;
  let broker: TestBroker;
  before(async () => {
    keys = await startKeyService();
    broker = await startBroker({ clock, keys, backlog: { messagesMax: 20 } });
  });
  after(async () => {
    await broker.close();
    await keys.close();
  });

  const send = async (...events: Parameters<ReturnType<typeof createPublisher>['publish']>[0]) => {
    const { sqs, prefix } = broker.queues;
    const publisher = createPublisher({ sqs, prefix, receivers: () => [venueFeed.queue] });
    assert.equal((await publisher.publish(events)).failed.size, 0);
  };
  const programOf = (venueId: string) => broker.program(keys.newKey(venueId).key);
  const feed = async (venueId: string, count: number) => {
    const program = programOf(venueId);
    await until('all are published', async () => (await program.stats()).body.ready >= count);
    const { body } = await program.consume('x', { limit: 100 });
    return body.map((message: { body: unknown }) => FeedEvent.parse(message.body)) as FeedEvent[];
  };

  it('are published in the order of each party, once, without staff', async () => {
    const line = new LineModel(clock);
    const [ana, bea] = [line.join(), line.join()];
    const events: LineEvent[] = [ana, bea, line.call(ana.subject), line.call(bea.subject)];
    await send(...events);
    await send(...events);
    const published = await feed(line.venueId, events.length);
    assert.deepEqual(
      published.map(({ id }) => id).toSorted(),
      events.map(({ id }) => id).toSorted(),
    );
    for (const { subject } of [ana, bea]) {
      const seqs = published.flatMap(({ partyId, seq }) => (partyId === subject ? [seq] : []));
      assert.deepEqual(
        seqs,
        seqs.toSorted((a, b) => a - b),
      );
    }
    assert.doesNotMatch(JSON.stringify(published), /userId/);
  });

  it('become dead letters with the reason when the backlog is full', async () => {
    const line = new LineModel(clock);
    const program = programOf(line.venueId);
    for (let n = 0; n < 20; n += 1) await program.publish(n);
    await send(line.join());
    const [letter] = await until('there is a dead letter', async () => {
      const letters = await broker.queues.deadLetters(venueFeed.queue);
      return letters.length > 0 ? letters : null;
    });
    assert.match(letter?.MessageAttributes?.error?.StringValue ?? '', /20 messages/);
  });

  it('are no longer published when the venue was deleted', async () => {
    const line = new LineModel(clock);
    await send(line.join());
    const { venueId } = line;
    const program = programOf(venueId);
    await until('it is published', async () => (await program.stats()).body.ready === 1);
    await send(
      makeEvent({
        id: newId(clock),
        source: '/queue',
        type: 'venue.deleted',
        subject: venueId,
        time: clock.now().toISOString(),
        data: { venueId },
      }),
    );
    await until('it is deleted', async () => (await program.stats()).body.ready === 0);
    await send(line.join());
    const other = new LineModel(clock);
    await send(other.join());
    assert.equal((await feed(other.venueId, 1)).length, 1);
    await until('all are handled', async () => {
      return (await broker.queues.count(venueFeed.queue)) === 0;
    });
    assert.equal((await program.stats()).body.ready, 0);
    assert.equal((await program.publish(1)).status, 401);
  });
});
