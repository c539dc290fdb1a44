import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { makeEvent } from '@queue-manager/contracts/events';
import type { FedEvent, LineEvent } from '@queue-manager/contracts/internal';
import type { VenueEvent, VenueQueue } from '@queue-manager/contracts/live';
import type { Occupancy } from '@queue-manager/contracts/occupancy';
import { createPublisher } from '@queue-manager/events/publish';
import { ManualClock, systemClock } from '@queue-manager/service-kit/clock';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import { type EventSource, followEvents } from '@queue-manager/service-kit/testing/event-source';
import {
  historyOf,
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  startPosition,
  startQueueService,
  startRedis,
  venueQueueOf,
} from '../testing.ts';
import { streamsOfAccountMax } from './staff-streams.ts';
import { type Staff, tokenOf, verifyAccessToken } from './testing.ts';
import { queueInId, queuesOfIdMax, venueEventId } from './venue-event-id.ts';

describe('GET /v1/live/venues/{venueId}', () => {
  const clock = new ManualClock();
  let queueService: QueueServiceDouble;
  let position: PositionDouble;
  let url: string;
  let venueId: string;
  let tables: LineModel;
  let bar: LineModel;
  let userId: string;
  let isDropping = false;

  const start = (options: Partial<Parameters<typeof startPosition>[0]> = {}) =>
    startPosition({
      redisUrl: testEnv('REDIS_URL'),
      queueService,
      clock: systemClock,
      verifyAccessToken,
      dropsMessages: () => isDropping,
      ...options,
    });
  const listen = ({ app }: PositionDouble) => app.listen({ host: '127.0.0.1', port: 0 });

  before(async () => {
    queueService = await startQueueService();
    position = await start();
    url = await listen(position);
  });
  after(async () => {
    await position.close();
    await queueService.close();
  });
  beforeEach(() => {
    venueId = newVenue();
    [tables, bar] = [newQueue(), newQueue({ name: 'Bar' })];
    userId = randomUUID();
    queueService.staff.add(userId);
    queueService.isUnavailable = false;
    isDropping = false;
  });

  function newVenue(): string {
    const id = randomUUID();
    queueService.venues.set(id, { occupancy: 0, capacity: 10 });
    return id;
  }
  function newQueue(queue: { name?: string } = {}, of = venueId): LineModel {
    const line = new LineModel(clock, queue, of);
    queueService.lines.set(line.queueId, line);
    return line;
  }
  function occupancyChanged(occupancy: number, capacity: number | null = 10): FedEvent {
    queueService.venues.set(venueId, { occupancy, capacity });
    return makeEvent({
      id: randomUUID(),
      source: '/queue',
      type: 'occupancy.changed',
      subject: venueId,
      time: clock.now().toISOString(),
      data: { venueId, seq: 2, occupancy, capacity, actor: { kind: 'staff' } },
    });
  }
  /** Sends events that the queue service has, as after a commit. */
  const happen = async (...events: FedEvent[]) => {
    assert.equal((await position.apply(events)).status, 200);
  };

  type Follow = Staff & { lastEventId?: string; base?: string; venueId?: string; isOnce?: boolean };
  function follow(t: TestContext, given: Partial<Follow> = {}): EventSource {
    const { base = url, venueId: of = venueId, lastEventId, isOnce = true, ...staff } = given;
    const source = followEvents(`${base}/v1/live/venues/${of}`, {
      isOnce,
      headers: {
        authorization: `Bearer ${tokenOf({ userId, ...staff })}`,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
    });
    t.after(() => source.close());
    return source;
  }
  const statusesOf = async (t: TestContext, given: Partial<Follow> = {}) => {
    const source = follow(t, given);
    await source.over;
    return source.statuses;
  };
  const ofType = <T>({ events }: EventSource, type: string) =>
    events.filter((event) => event.type === type).map(({ data }) => JSON.parse(data) as T);
  const partiesIn = (source: EventSource) => ofType<VenueEvent>(source, 'party');
  const occupanciesIn = (source: EventSource) => ofType<Occupancy>(source, 'occupancy');
  /** What a stand shows that knows nothing but its stream. */
  const shownBy = (source: EventSource) => {
    const queues = new Map<string, VenueQueue>();
    for (const queue of ofType<VenueQueue>(source, 'queue')) {
      if (queue.deleted) queues.delete(queue.id);
      else queues.set(queue.id, queue);
    }
    return queues;
  };
  const shows = (source: EventSource, ...lines: LineModel[]) =>
    until('the stand shows the queues as they are', () => {
      const queues = shownBy(source);
      return (
        queues.size === lines.length &&
        lines.every(({ queueId, queue }) => queues.get(queueId)?.seq === queue.seq)
      );
    });
  const partyEvents = (line: LineModel, after = 0) =>
    line.events
      .slice(after)
      .map((event) => ({ ...historyOf(event), queueId: line.queueId }))
      .filter(({ partyId }) => partyId !== null);
  /** Events of each queue are in order; those of different queues may be in any. */
  const assertParties = (source: EventSource, expected: object[]) => {
    const sorted = (events: object[]) =>
      (events as VenueEvent[]).toSorted((a, b) => a.queueId.localeCompare(b.queueId) || 0);
    assert.deepEqual(sorted(partiesIn(source)), sorted(expected));
  };

  it('begins with the occupancy and every queue', async (t) => {
    await happen(tables.join(), bar.changeQueue({ state: 'paused' }));
    const source = follow(t, { venueId: venueId.toUpperCase() });
    await shows(source, tables, bar);
    assert.deepEqual(
      source.events.map(({ type }) => type),
      ['occupancy', 'queue', 'queue'],
    );
    assert.deepEqual(occupanciesIn(source), [{ occupancy: 0, capacity: 10, available: 10 }]);
    assert.deepEqual([...shownBy(source).values()], [venueQueueOf(tables), venueQueueOf(bar)]);
    assert.ok((source.retryMs ?? 0) > 0);
    assert.ok(source.events.every(({ id }) => id !== ''));
  });

  it('sends every change of each queue, counts included, and each change of the occupancy', async (t) => {
    const source = follow(t);
    await shows(source, tables, bar);
    const joined = tables.join();
    await happen(joined);
    await shows(source, tables, bar);
    await happen(bar.join(), bar.changeQueue({ name: 'Terrace' }));
    await happen(tables.call(joined.subject));
    occupancyChanged(2);
    // The event of the party is enough.
    await happen(tables.end(joined.subject, 'seated'));
    await shows(source, tables, bar);
    assertParties(source, [...partyEvents(tables), ...partyEvents(bar)]);
    assert.deepEqual([...shownBy(source).values()], [venueQueueOf(tables), venueQueueOf(bar)]);
    assert.equal(shownBy(source).get(bar.queueId)?.name, 'Terrace');
    await happen(occupancyChanged(5), occupancyChanged(5));
    await until('the count arrives', () => occupanciesIn(source).length === 3);
    await happen(occupancyChanged(5, 4));
    await until('the capacity arrives', () => occupanciesIn(source).length === 4);
    assert.deepEqual(
      occupanciesIn(source).map(({ occupancy, available }) => [occupancy, available]),
      [
        [0, 10],
        [2, 8],
        [5, 5],
        [5, 0],
      ],
    );
  });

  it('resumes every queue after the last event, and sends no event twice', async (t) => {
    const [ana, rui] = [tables.join(), bar.join()];
    const first = follow(t);
    await shows(first, tables, bar);
    await happen(tables.call(ana.subject));
    await shows(first, tables, bar);
    first.close();
    const [tablesSeq, barSeq] = [tables.queue.seq, bar.queue.seq];

    tables.end(ana.subject, 'seated');
    bar.call(rui.subject);
    for (let party = 0; party < 120; party++) bar.join();
    occupancyChanged(2);
    const second = follow(t, { lastEventId: first.lastEventId });
    await shows(second, tables, bar);
    assertParties(second, [...partyEvents(tables, tablesSeq), ...partyEvents(bar, barSeq)]);
    assert.equal(occupanciesIn(second)[0]?.occupancy, 2);
    for (const line of [tables, bar]) {
      const own = partiesIn(second).filter(({ queueId }) => queueId === line.queueId);
      assert.deepEqual(
        own.map(({ seq }) => seq),
        own.map(({ seq }) => seq).toSorted((a, b) => a - b),
      );
    }

    // From any of its ids, the rest follows.
    const { id } = second.events.find(({ type }) => type === 'party') ?? { id: '' };
    const third = follow(t, { lastEventId: id });
    await shows(third, tables, bar);
    assert.equal(partiesIn(third).length, partiesIn(second).length - 1);
  });

  it('sends a new queue with all its events, also to a stand that was away', async (t) => {
    const here = follow(t);
    await shows(here, tables, bar);
    const { lastEventId } = here;
    const terrace = newQueue({ name: 'Terrace' });
    terrace.join();
    await happen(...terrace.events);
    await shows(here, tables, bar, terrace);
    assertParties(here, partyEvents(terrace));
    const away = follow(t, { lastEventId });
    await shows(away, tables, bar, terrace);
    assertParties(away, partyEvents(terrace));
  });

  it('says when a queue was deleted, also to a stand that was away', async (t) => {
    bar.join();
    const here = follow(t);
    await shows(here, tables, bar);
    const { lastEventId } = here;
    await happen(bar.end(bar.order()[0] as string, 'removed'), bar.changeQueue({ deleted: true }));
    await shows(here, tables);
    assertParties(here, partyEvents(bar, 2));
    // A process that follows the venue, and one that does not yet.
    const other = await start();
    t.after(() => other.close());
    for (const base of [url, await listen(other)]) {
      const away = follow(t, { lastEventId, base });
      await until('the deletion arrives', () =>
        ofType<VenueQueue>(away, 'queue').some(({ id, deleted }) => id === bar.queueId && deleted),
      );
      await shows(away, tables);
    }
    const late = follow(t);
    await shows(late, tables);
    const back = follow(t, { lastEventId: here.lastEventId });
    await shows(back, tables);
    assert.equal(ofType<VenueQueue>(back, 'queue').length, 1);
  });

  it('begins in a venue without a queue, and resumes with its first one', async (t) => {
    venueId = newVenue();
    const source = follow(t);
    await until('it has begun', () => source.events.length === 1);
    const first = newQueue();
    first.join();
    const away = follow(t, { lastEventId: source.lastEventId });
    await happen(...first.events);
    for (const stand of [source, away]) {
      await shows(stand, first);
      assertParties(stand, partyEvents(first));
    }
  });

  it('shows nothing of another venue, whatever id the client sends', async (t) => {
    const elsewhere = newVenue();
    const foreign = newQueue({ name: 'Secret' }, elsewhere);
    foreign.join();
    tables.join();
    const [mine, theirs] = [follow(t), follow(t, { venueId: elsewhere })];
    await shows(mine, tables, bar);
    await shows(theirs, foreign);
    const crafted = [
      theirs.lastEventId,
      venueEventId(venueId, [queueInId(foreign.queueId, 0), queueInId(tables.queueId, 2)]),
      venueEventId(venueId, [queueInId(foreign.queueId, 1), queueInId(randomUUID(), 1)]),
    ].map((lastEventId) => follow(t, { lastEventId }));
    for (const source of crafted) await shows(source, tables, bar);
    await happen(foreign.join(), tables.join(), bar.join());
    await shows(theirs, foreign);
    for (const source of [mine, ...crafted]) {
      await shows(source, tables, bar);
      const text = JSON.stringify(source.events);
      for (const secret of [foreign.queueId, elsewhere, 'Secret']) {
        assert.ok(!text.includes(secret), secret);
      }
    }
    assert.ok(!JSON.stringify(theirs.events).includes(tables.queueId));
    assert.equal(partiesIn(crafted[0] as EventSource).length, 2, 'starts now');
  });

  it('starts now in a queue whose last event is in the future, and if the id is malformed', async (t) => {
    tables.join();
    for (const lastEventId of [
      venueEventId(venueId, [queueInId(tables.queueId, 99), queueInId(bar.queueId, 1)]),
      '2',
      'x'.repeat(5_000),
    ]) {
      const source = follow(t, { lastEventId });
      await shows(source, tables, bar);
      assert.deepEqual(partiesIn(source), []);
      await happen(tables.join());
      await shows(source, tables, bar);
      assert.equal(partiesIn(source).length, 1);
      source.close();
    }
  });

  it('sends each event once and in order, however its messages arrive', async (t) => {
    const source = follow(t);
    await shows(source, tables, bar);
    const events: LineEvent[] = [];
    for (let party = 0; party < 30; party++) events.push(tables.join(), bar.join());
    const shuffled = events.toSorted((a, b) => a.id.slice(-4).localeCompare(b.id.slice(-4)));
    for (const event of [...shuffled, ...events]) await happen(event);
    await shows(source, tables, bar);
    assertParties(source, [...partyEvents(tables), ...partyEvents(bar)]);
  });

  it('reads a venue once for all its stands', async (t) => {
    const stands = Array.from({ length: 10 }, () => follow(t));
    for (const stand of stands) await shows(stand, tables, bar);
    const before = queueService.calls.venueChanges;
    await happen(tables.join());
    for (const stand of stands) await shows(stand, tables, bar);
    assert.ok(queueService.calls.venueChanges - before <= 2);
  });

  it('finds what no message announced: events, new and deleted queues, the occupancy', async (t) => {
    const other = await start({ venuePollMs: 50 });
    t.after(() => other.close());
    const source = follow(t, { base: await listen(other) });
    await shows(source, tables, bar);
    isDropping = true;
    tables.join();
    const terrace = newQueue();
    terrace.join();
    bar.changeQueue({ deleted: true });
    occupancyChanged(3);
    await shows(source, tables, terrace);
    assertParties(source, [...partyEvents(tables), ...partyEvents(terrace)]);
    await until('the count arrives', () => occupanciesIn(source).at(-1)?.occupancy === 3);
  });

  it('ends when the history of a queue was replaced, and starts over', async (t) => {
    const other = await start({ venuePollMs: 50 });
    t.after(() => other.close());
    const base = await listen(other);
    tables.join();
    const source = follow(t, { base });
    await shows(source, tables, bar);
    tables.events.length = 1;
    tables.parties.clear();
    tables.queue = { ...tables.queue, seq: 1 };
    await source.over;
    const again = follow(t, { base, lastEventId: source.lastEventId });
    await shows(again, tables, bar);
    assert.deepEqual(partiesIn(again), []);
    tables.join();
    await shows(again, tables, bar);
    assertParties(again, partyEvents(tables));
  });

  it('continues after an outage of the queue service', async (t) => {
    const source = follow(t);
    await shows(source, tables, bar);
    const before = source.events.length;
    queueService.isUnavailable = true;
    await happen(tables.join());
    await happen(bar.join());
    assert.equal(source.events.length, before);
    queueService.isUnavailable = false;
    await shows(source, tables, bar);
    assertParties(source, [...partyEvents(tables), ...partyEvents(bar)]);
  });

  it('shows what any process was sent', async (t) => {
    const other = await start();
    t.after(() => other.close());
    const [here, there] = [follow(t), follow(t, { base: await listen(other) })];
    for (const source of [here, there]) await shows(source, tables, bar);
    await happen(tables.join());
    await other.apply([bar.join(), occupancyChanged(4)]);
    for (const source of [here, there]) {
      await shows(source, tables, bar);
      assertParties(source, [...partyEvents(tables), ...partyEvents(bar)]);
      await until('the count arrives', () => occupanciesIn(source).at(-1)?.occupancy === 4);
    }
  });

  it('shows what arrives by SQS', async (t) => {
    const source = follow(t);
    await shows(source, tables, bar);
    const { sqs, prefix } = position.queues;
    const publisher = createPublisher({ sqs, prefix });
    await publisher.publish([tables.join()]);
    await shows(source, tables, bar);
    await publisher.publish([occupancyChanged(6)]);
    await until('the count arrives', () => occupanciesIn(source).at(-1)?.occupancy === 6);
  });

  it('shows more queues than an id holds, and resumes them', async (t) => {
    const lines = [tables, bar];
    while (lines.length < queuesOfIdMax + 60) lines.push(newQueue());
    const source = follow(t);
    await shows(source, ...lines);
    const [oldest, latest] = [lines[0] as LineModel, lines.at(-1) as LineModel];
    await happen(latest.join());
    await shows(source, ...lines);
    source.close();
    for (const line of [oldest, latest]) line.join();
    const { lastEventId } = source;
    assert.ok(lastEventId.length < 5_000);
    const away = follow(t, { lastEventId });
    await shows(away, ...lines);
    assertParties(away, partyEvents(latest, 2));
    // The queue that the id has no room for: its `seq` tells the stand to read it.
    assert.equal(shownBy(away).get(oldest.queueId)?.seq, 2);
  });

  it('returns 404 unless the account is a member of the venue', async (t) => {
    assert.deepEqual(await statusesOf(t, { userId: randomUUID() }), [404]);
    assert.deepEqual(await statusesOf(t, { venueId: randomUUID() }), [404]);
    assert.deepEqual(await statusesOf(t, { venueId: tables.queueId }), [404]);
    assert.deepEqual(await statusesOf(t, { venueId: 'none' }), [404]);
    assert.equal((await fetch(`${url}/v1/live/venues/${venueId}`)).status, 401);
    queueService.isUnavailable = true;
    assert.deepEqual(await statusesOf(t), [503]);
  });

  it('ends when the membership ends, but not because it cannot be checked', async (t) => {
    const other = await start({ membershipCheckMs: 20 });
    t.after(() => other.close());
    const base = await listen(other);
    const source = follow(t, { base });
    await shows(source, tables, bar);
    queueService.isUnavailable = true;
    const before = queueService.calls.roles;
    await until('a call has failed', () => queueService.calls.roles > before + 2);
    queueService.isUnavailable = false;
    await other.apply([tables.join()]);
    await shows(source, tables, bar);
    queueService.staff.delete(userId);
    await source.over;
    assert.deepEqual(await statusesOf(t, { base }), [404]);
  });

  it('ends with the access token', async (t) => {
    const exp = Math.ceil(systemClock.now().getTime() / 1_000) + 1;
    const source = follow(t, { exp });
    await source.over;
    assert.deepEqual(source.statuses, [200]);
    assert.ok(systemClock.now().getTime() / 1_000 >= exp);
  });

  it('ends when the venue is deleted', async (t) => {
    const source = follow(t);
    await shows(source, tables, bar);
    queueService.venues.delete(venueId);
    await happen(tables.changeQueue({ deleted: true }));
    await source.over;
    assert.deepEqual(await statusesOf(t), [404]);
  });

  it('shares the limit per account with the streams of queues', async (t) => {
    await happen(...tables.events);
    const open = Array.from({ length: streamsOfAccountMax - 1 }, () => follow(t));
    for (const source of open) await shows(source, tables, bar);
    const headers = { authorization: `Bearer ${tokenOf({ userId })}` };
    const ofQueue = followEvents(`${url}/v1/live/queues/${tables.queueId}`, { headers });
    t.after(() => ofQueue.close());
    await until('the last stream opens', () => ofQueue.lastEventId !== '');
    assert.deepEqual(await statusesOf(t), [429]);
    ofQueue.close();
    await until('another stream opens', async () => {
      const source = follow(t);
      await until('it has a status', () => source.statuses.length > 0);
      return source.statuses[0] === 200;
    });
  });

  it('buffers little for a slow reader, and skips no event', async (t) => {
    for (let party = 0; party < 10_000; party++) tables.join();
    for (let party = 0; party < 500; party++) bar.join();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    t.after(() => socket.destroy());
    socket.pause();
    socket.write(
      `GET /v1/live/venues/${venueId} HTTP/1.1\r\nhost: x\r\n` +
        `last-event-id: ${venueEventId(venueId, [queueInId(tables.queueId, 0)])}\r\n` +
        `authorization: Bearer ${tokenOf({ userId })}\r\n\r\n`,
    );
    let before = -1;
    let looks = 0;
    await until('reading for it pauses', () => {
      const { venueChanges } = queueService.calls;
      looks = venueChanges === before ? looks + 1 : 0;
      before = venueChanges;
      return looks === 25;
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    socket.resume();
    const seqsOf = ({ queueId }: LineModel) =>
      [...text.matchAll(/event: party\ndata: (.*)\n\n/g)]
        .map(([, data]) => JSON.parse(data as string) as VenueEvent)
        .filter((event) => event.queueId === queueId)
        .map(({ seq }) => seq);
    await until('both queues have arrived', () =>
      [tables, bar].every(({ queueId, queue }) =>
        new RegExp(`event: queue\ndata: {"id":"${queueId}".*"seq":${queue.seq}\\b`).test(text),
      ),
    );
    for (const line of [tables, bar]) {
      assert.deepEqual(
        seqsOf(line),
        Array.from({ length: line.events.length - 1 }, (_, index) => index + 2),
      );
    }
  });

  it('shows the truth after Redis was emptied, and after it was killed', async (t) => {
    const server = await startRedis();
    t.after(() => server.remove());
    // No polls: what it shows, it was told.
    const processes = [];
    for (let count = 0; count < 2; count++) {
      const process = await start({ redisUrl: server.url, commandTimeoutMs: 1_000 });
      t.after(() => process.close());
      processes.push({ ...process, base: await listen(process) });
    }
    const sources = processes.map(({ base }) => follow(t, { base, isOnce: false }));
    for (const source of sources) await shows(source, tables, bar);
    const [process] = processes;
    const applied = (...events: FedEvent[]) =>
      until('events are applied', async () => (await process?.apply(events))?.status === 200);

    await process?.redis.flushall();
    await applied(tables.join());
    for (const source of sources) await shows(source, tables, bar);

    await server.kill();
    // Nobody can announce these.
    tables.join();
    bar.join();
    occupancyChanged(7);
    await server.start();
    for (const source of sources) {
      await shows(source, tables, bar);
      await until('the count arrives', () => occupanciesIn(source).at(-1)?.occupancy === 7);
    }
    await applied(bar.join());
    for (const source of sources) {
      await shows(source, tables, bar);
      assertParties(source, [...partyEvents(tables), ...partyEvents(bar)]);
    }
  });

  it('ends when the process stops', async (t) => {
    const other = await start();
    const source = follow(t, { base: await listen(other) });
    await shows(source, tables, bar);
    await other.close();
    await source.over;
    assert.deepEqual(source.statuses, [200]);
  });
});
