import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { makeEvent } from '@queue-manager/contracts/events';
import {
  applyEvents,
  type FedEvent,
  type LineEvent,
  type Place,
} from '@queue-manager/contracts/internal';
import { limits } from '@queue-manager/contracts/values';
import { systemClock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import { newId } from '@queue-manager/service-kit/ids';
import {
  createInternalClient,
  type InternalClient,
} from '@queue-manager/service-kit/internal-client';
import { route } from '@queue-manager/service-kit/route';
import { testCredential, testLogger, until } from '@queue-manager/service-kit/testing';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import type { FastifyInstance } from 'fastify';
import { seqOf } from './line-event.ts';
import { createLineFeed, queuedMax } from './line-feed.ts';
import { orderKeyBytesMax } from './order-key.ts';

const queueId = newId(systemClock);
const venueId = newId(systemClock);
const now = systemClock.now().toISOString();

function joined(seq: number, orderKey = '8000', reason?: string): LineEvent {
  const partyId = newId(systemClock);
  return makeEvent({
    id: newId(systemClock),
    source: '/queue',
    type: 'party.joined',
    subject: partyId,
    time: now,
    data: {
      venueId,
      queueId,
      previousState: null,
      actor: { kind: 'staff', userId: newId(systemClock) },
      ...(reason === undefined ? {} : { reason }),
      party: {
        partyId,
        seq,
        state: 'waiting',
        lane: 'regular',
        orderKey,
        number: seq,
        size: 2,
        source: 'staff',
        calls: 0,
        joinedAt: now,
        calledAt: now,
        confirmedAt: now,
        seatedAt: now,
        departedAt: now,
        endedAt: now,
      },
    },
  }) as LineEvent;
}

describe('line feed', () => {
  let upstream: FastifyInstance;
  let position: InternalClient;
  /** What the position service answers to a call. */
  let answerTo: (events: FedEvent[]) => Promise<('applied' | 'pending')[]>;
  const calls: number[][] = [];
  let wakes = 0;
  let relayWakes = 0;
  /** Sequence numbers of the events that the relay was told to be delivered. */
  const delivered: number[] = [];

  const placeOf = (event: FedEvent): Place => ({
    position: seqOf(event),
    estimate: { p10: 1, p50: 2, p90: 3, model: 'test-1', asOf: now },
  });

  before(async () => {
    upstream = createApp({ logger: testLogger, readiness: {}, internalCredential: testCredential });
    upstream.route(
      route(applyEvents, async ({ body }) => {
        calls.push(body.events.map(seqOf));
        const outcomes = await answerTo(body.events);
        return {
          answers: body.events.map((event, index) => {
            const outcome = outcomes[index] ?? 'applied';
            return { outcome, place: outcome === 'applied' ? placeOf(event) : null };
          }),
        };
      }),
    );
    const url = await upstream.listen({ host: '127.0.0.1', port: 0 });
    position = createInternalClient({ baseUrl: url, credential: testCredential });
  });
  after(async () => {
    await position.close();
    await upstream.close();
  });
  beforeEach(() => {
    calls.length = 0;
    wakes = 0;
    relayWakes = 0;
    delivered.length = 0;
    answerTo = async () => [];
  });

  const feedOf = (budgetMs: number, over: InternalClient = position) =>
    createLineFeed({
      position: over,
      logger: testLogger,
      relay: {
        wake() {
          relayWakes += 1;
        },
        delivered: (events) => delivered.push(...events.map(seqOf)),
      },
      onCommitted: () => {
        wakes += 1;
      },
      budgetMs,
    });
  const patient = 15_000;

  it('sends concurrent commits in one call, in the order of the line, and resolves each', async () => {
    const feed = feedOf(patient);
    const places = await Promise.all([3, 1, 2].map((seq) => feed.committed([joined(seq)])));
    assert.deepEqual(
      places.map((place) => place?.position),
      [3, 1, 2],
    );
    assert.deepEqual(calls, [[1, 2, 3]]);
    assert.equal(wakes, 3);
  });

  it('resolves a commit of several events with the place after the last one', async () => {
    const feed = feedOf(patient);
    const place = await feed.committed([joined(1), joined(2), joined(3)]);
    assert.equal(place?.position, 3);
    assert.deepEqual([await feed.committed([]), calls.length], [null, 1]);
    assert.equal(wakes, 1);
  });

  it('sends an event again that waits for an earlier one', async () => {
    const feed = feedOf(patient);
    let asked = 0;
    answerTo = async () => {
      asked += 1;
      return [asked < 3 ? 'pending' : 'applied'];
    };
    assert.equal((await feed.committed([joined(7)]))?.position, 7);
    assert.deepEqual(calls, [[7], [7], [7]]);
    assert.deepEqual(delivered, [7]);
  });

  it('reports events as delivered only after the position service has applied them', async () => {
    const feed = feedOf(patient);
    await feed.committed([joined(1), joined(2)]);
    assert.deepEqual(delivered, [1, 2]);
    const nowhere = createInternalClient({
      baseUrl: 'http://127.0.0.1:1',
      credential: testCredential,
    });
    assert.equal(await feedOf(patient, nowhere).committed([joined(3)]), null);
    await nowhere.close();
    assert.deepEqual([delivered, relayWakes], [[1, 2], 0]);
  });

  it('leaves events that others receive to the relay, and wakes it', async () => {
    const deleted = makeEvent({
      id: newId(systemClock),
      source: '/queue',
      type: 'venue.deleted',
      subject: venueId,
      time: now,
      data: { venueId },
    });
    const feed = feedOf(patient);
    assert.equal((await feed.committed([joined(1), deleted]))?.position, 1);
    assert.equal(await feed.committed([deleted]), null);
    assert.deepEqual([calls, delivered, relayWakes, wakes], [[[1]], [1], 2, 2]);
  });

  it('resolves when the budget is over', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    answerTo = async () => {
      await held;
      return [];
    };
    const feed = feedOf(5);
    assert.equal(await feed.committed([joined(1)]), null);
    release();
    // Nor when the event waits for one that never comes: it is not asked for for ever.
    answerTo = async () => ['pending'];
    assert.equal(await feed.committed([joined(2)]), null);
    const timesAsked = () => calls.flat().filter((seq) => seq === 2).length;
    const asked = timesAsked();
    // Others come and go meanwhile, each as long as its budget, which is as long as the pause before asking again.
    for (let seq = 101; seq <= 120; seq += 1) {
      assert.equal(await feed.committed([joined(seq)]), null);
    }
    assert.ok(timesAsked() <= asked + 1);
    // So that no call reaches the next test.
    await until('the last event was sent', () => calls.flat().includes(120));
  });

  it('waits less after a failed call, until one succeeds, and for half of the time to a deadline', async () => {
    const feed = feedOf(patient);
    answerTo = async () => {
      throw Object.assign(new Error('unavailable'), { code: 'ECONNREFUSED' });
    };
    assert.equal(await feed.committed([joined(201)]), null);
    let { promise: held, resolve: release } = Promise.withResolvers<void>();
    answerTo = async () => {
      await held;
      return [];
    };
    // Would take the 15 s of the budget otherwise.
    const begun = performance.now();
    assert.equal(await feed.committed([joined(202)]), null);
    assert.ok(performance.now() - begun < patient / 2);
    release();
    await until('a call has succeeded', () => delivered.includes(202));

    ({ promise: held, resolve: release } = Promise.withResolvers<void>());
    const patiently = feed.committed([joined(203)]);
    const shortly = await runInContext({}, () => feed.committed([joined(204)]), {
      at: performance.now() + 200,
    });
    assert.equal(shortly, null);
    release();
    assert.equal((await patiently)?.position, 203);
    // So that no call reaches the next test.
    await until('the first was sent again', () => delivered.includes(201));
  });

  it('queues a limited number of events while the position service hangs, and leaves others to the relay', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    answerTo = async () => {
      await held;
      return [];
    };
    const feed = feedOf(patient);
    const several = (first: number, count: number) =>
      Array.from({ length: count }, (_, index) => joined(first + index));
    const kept = feed.committed(several(1, queuedMax));
    assert.equal(await feed.committed([joined(queuedMax + 1)]), null);
    // Once calls are on their way there is room for as many more.
    await until('its calls hang', () => calls.length === 4);
    const room = calls.flat().length;
    const first = queuedMax + 2;
    assert.equal(await feed.committed(several(first, room + 1)), null);
    const fitting = feed.committed(several(first + room + 1, room));
    assert.equal(await feed.committed([joined(1)]), null);
    assert.equal(wakes, 5);
    release();
    assert.equal((await kept)?.position, queuedMax);
    assert.equal((await fitting)?.position, first + 2 * room);
    const arrived = calls.flat().sort((a, b) => a - b);
    const numbers = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => from + index);
    assert.deepEqual(arrived, [...numbers(1, queuedMax), ...numbers(first + room + 1, room)]);
    assert.equal((await feed.committed([joined(7)]))?.position, 7);
  });

  it('resolves without a place while the position service is unavailable, and recovers', async () => {
    const nowhere = createInternalClient({
      baseUrl: 'http://127.0.0.1:1',
      credential: testCredential,
    });
    assert.equal(await feedOf(patient, nowhere).committed([joined(1)]), null);
    await nowhere.close();

    const feed = feedOf(patient);
    answerTo = async () => {
      throw Object.assign(new Error('unavailable'), { code: 'ECONNREFUSED' });
    };
    assert.equal(await feed.committed([joined(1)]), null);
    answerTo = async () => [];
    assert.equal((await feed.committed([joined(2)]))?.position, 2);
    assert.equal(wakes, 3);
  });

  it('retries the events of a failed call', async () => {
    const feed = feedOf(patient);
    let asked = 0;
    answerTo = async ([first]) => {
      if (seqOf(first as LineEvent) !== 71) return [];
      asked += 1;
      if (asked < 3) throw Object.assign(new Error('unavailable'), { code: 'ECONNREFUSED' });
      return [];
    };
    assert.equal(await feed.committed([joined(71), joined(72)]), null);
    await until('it was handed on', () => asked === 3);
    assert.equal((await feed.committed([joined(73)]))?.position, 73);
    // Others of these tests may still hand on what they could not.
    const own = calls.filter((seqs) => seqs.some((seq) => seq > 70));
    assert.deepEqual(own, [[71, 72], [71, 72], [71, 72], [73]]);
  });

  it('splits any number of the largest events into calls that the position service accepts', async () => {
    const longest = 'ff'.repeat(orderKeyBytesMax);
    const events = Array.from({ length: 1_000 }, (_, index) =>
      joined(index + 1, longest, '\u{10FFFF}'.repeat(100)),
    );
    const feed = feedOf(patient);
    assert.equal((await feed.committed(events))?.position, 1_000);
    await until('all have arrived', () => calls.flat().length === 1_000);
    const size = Math.max(...calls.map(({ length }) => length));
    const bytes = Buffer.byteLength(JSON.stringify({ events: events.slice(0, size) }));
    assert.ok(bytes <= limits.bodyBytes, `${bytes} bytes in a call`);
  });
});
