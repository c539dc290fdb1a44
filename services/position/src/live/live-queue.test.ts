import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import type { HistoryEvent } from '@queue-manager/contracts/history';
import type { LineEvent } from '@queue-manager/contracts/internal';
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
} from '../testing.ts';
import { streamsOfAccountMax } from './staff-streams.ts';
import { type Staff, tokenOf, verifyAccessToken } from './testing.ts';

describe('GET /v1/live/queues/{queueId}', () => {
  let queueService: QueueServiceDouble;
  let position: PositionDouble;
  let url: string;
  let line: LineModel;
  let userId: string;

  const start = (options: { membershipCheckMs?: number } = {}) =>
    startPosition({
      redisUrl: testEnv('REDIS_URL'),
      queueService,
      clock: systemClock,
      verifyAccessToken,
      ...options,
    });

  before(async () => {
    queueService = await startQueueService();
    position = await start();
    url = await position.app.listen({ host: '127.0.0.1', port: 0 });
  });
  after(async () => {
    await position.close();
    await queueService.close();
  });
  beforeEach(() => {
    line = new LineModel(new ManualClock());
    queueService.lines.set(line.queueId, line);
    userId = randomUUID();
    queueService.staff.add(userId);
    queueService.isUnavailable = false;
  });

  type Follow = Staff & { lastEventId?: string; base?: string; queueId?: string };
  function follow(t: TestContext, given: Partial<Follow> = {}): EventSource {
    const { base = url, queueId = line.queueId, lastEventId, ...staff } = given;
    const source = followEvents(`${base}/v1/live/queues/${queueId}`, {
      isOnce: true,
      headers: {
        authorization: `Bearer ${tokenOf({ userId, ...staff })}`,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
    });
    t.after(() => source.close());
    return source;
  }
  /** Opened, and its first id received. */
  async function followFromNow(t: TestContext, given: Partial<Follow> = {}) {
    const source = follow(t, given);
    await until('the first id arrives', () => source.lastEventId !== '');
    return source;
  }
  const refusal = async (t: TestContext, given: Partial<Follow> = {}) => {
    const source = follow(t, given);
    await source.over;
    return source.statuses;
  };
  const seen = (source: EventSource) =>
    source.events.map(({ data }) => JSON.parse(data) as HistoryEvent);
  const has = (source: EventSource, seq: number) =>
    until(`event ${seq} has come`, () => Number(source.lastEventId) >= seq);
  /** Makes a change in the queue service, and sends its event, as after a commit. */
  const happen = async (...events: LineEvent[]) => {
    await position.apply(events);
  };

  it('accepts an upper-case id, without disturbing other watchers of the queue', async (t) => {
    const joined = line.join();
    await happen(...line.events);
    const guest = followEvents(`${url}/v1/live/tickets/${line.ticket(joined.subject)}`, {
      isOnce: true,
    });
    t.after(() => guest.close());
    await until('the guest gets its position', () => guest.events.length === 1);
    const host = await followFromNow(t, { queueId: line.queueId.toUpperCase() });
    await happen(line.call(joined.subject));
    await until('the guest is called', () => guest.events.at(-1)?.data.includes('"called"'));
    await has(host, line.queue.seq);
  });

  it('sends all events from now on, in order, with their ids', async (t) => {
    await happen(...line.events, line.join());
    const [one, two] = [await followFromNow(t), await followFromNow(t)];
    assert.equal(one.lastEventId, '2');
    const joined = line.join();
    await happen(joined);
    await happen(line.call(joined.subject), line.changeQueue({ state: 'paused' }));
    await happen(line.end(joined.subject, 'seated'));
    for (const source of [one, two]) {
      await has(source, 6);
      assert.deepEqual(
        source.events.map(({ id, type }) => [id, type]),
        [
          ['3', 'party'],
          ['4', 'party'],
          ['5', 'queue'],
          ['6', 'party'],
        ],
      );
      assert.deepEqual(seen(source), line.events.slice(2).map(historyOf));
      assert.deepEqual(source.statuses, [200]);
      assert.ok((source.retryMs ?? 0) > 0);
    }
  });

  it('reads events once for all watchers', async (t) => {
    await happen(...line.events);
    const sources = [];
    for (let source = 0; source < 10; source++) sources.push(await followFromNow(t));
    const before = queueService.calls.events;
    await happen(line.join());
    for (const source of sources) await has(source, 2);
    // Perhaps one more read to find that there is nothing else, but not one per watcher.
    assert.ok(queueService.calls.events - before <= 3);
  });

  it('resumes after the last event id, however old', async (t) => {
    for (let party = 0; party < 2_500; party++) line.join();
    await position.places(line.queueId, []);
    const all = line.events.length;
    for (const [lastEventId, first] of [
      ['0', 1],
      ['1700', 1_701],
      [String(all - 1), all],
    ] as const) {
      const source = follow(t, { lastEventId });
      await has(source, all);
      assert.deepEqual(
        source.events.map(({ id }) => Number(id)),
        Array.from({ length: all - first + 1 }, (_, index) => first + index),
      );
    }
    const source = follow(t, { lastEventId: '100' });
    await until('the first event arrives', () => source.events.length > 0);
    await happen(line.join());
    await has(source, all + 1);
    assert.equal(source.events.length, all + 1 - 100);
  });

  it('starts now if the last event id is malformed or in the future', async (t) => {
    await happen(...line.events, line.join(), line.join());
    for (const lastEventId of ['4', '999999999', '1e1', '-1', 'abc', '9'.repeat(30), '']) {
      const source = await followFromNow(t, { lastEventId });
      await until('the first id arrives', () => source.lastEventId === '3');
      assert.deepEqual(source.events, []);
      source.close();
    }
  });

  it('sends events that Redis never got, and none twice when they arrive late', async (t) => {
    await happen(...line.events);
    const source = await followFromNow(t);
    line.join();
    const late = line.events.at(-1) as LineEvent;
    await has(source, 2);
    await happen(late);
    await happen(line.join());
    await has(source, 3);
    assert.deepEqual(
      source.events.map(({ id }) => id),
      ['2', '3'],
    );
  });

  it('continues after an outage of the queue service', async (t) => {
    await happen(...line.events);
    const source = await followFromNow(t);
    queueService.isUnavailable = true;
    await happen(line.join());
    const before = queueService.calls.events;
    await until('a call has failed', () => queueService.calls.events > before);
    assert.deepEqual(source.events, []);
    queueService.isUnavailable = false;
    await has(source, 2);
    assert.equal(source.events.length, 1);
  });

  it('returns 404 unless the account is a member of the venue', async (t) => {
    await happen(...line.events);
    assert.deepEqual(await refusal(t, { userId: randomUUID() }), [404]);
    assert.deepEqual(await refusal(t, { queueId: randomUUID() }), [404]);
    assert.deepEqual(await refusal(t, { queueId: 'none' }), [404]);
    const nobody = await fetch(`${url}/v1/live/queues/${line.queueId}`);
    assert.equal(nobody.status, 401);
    queueService.isUnavailable = true;
    assert.deepEqual(await refusal(t), [503]);
  });

  it('ends when the membership ends, but not because it cannot be checked', async (t) => {
    const other = await start({ membershipCheckMs: 20 });
    t.after(() => other.close());
    const base = await other.app.listen({ host: '127.0.0.1', port: 0 });
    await other.apply(line.events);
    const source = await followFromNow(t, { base });
    queueService.isUnavailable = true;
    const before = queueService.calls.roles;
    await until('a call has failed', () => queueService.calls.roles > before + 2);
    queueService.isUnavailable = false;
    await other.apply([line.join()]);
    await has(source, 2);
    queueService.staff.delete(userId);
    await source.over;
    assert.deepEqual(await refusal(t, { base }), [404]);
  });

  it('ends with the access token', async (t) => {
    await happen(...line.events);
    const now = systemClock.now().getTime() / 1_000;
    const source = follow(t, { exp: Math.ceil(now) + 1 });
    await source.over;
    assert.deepEqual(source.statuses, [200]);
    assert.ok(systemClock.now().getTime() / 1_000 >= Math.ceil(now));
  });

  it('ends when the queue is deleted, after the event that says so', async (t) => {
    await happen(...line.events);
    const source = await followFromNow(t);
    await happen(line.changeQueue({ deleted: true }));
    await source.over;
    assert.deepEqual(
      seen(source).map(({ seq, queue }) => [seq, queue?.deleted]),
      [[2, true]],
    );
    assert.deepEqual(await refusal(t), [404]);
  });

  it('returns 429 above the limit per account, until a stream is closed', async (t) => {
    await happen(...line.events);
    const open = [];
    for (let stream = 0; stream < streamsOfAccountMax; stream++) open.push(await followFromNow(t));
    const refused = await fetch(`${url}/v1/live/queues/${line.queueId}`, {
      headers: { authorization: `Bearer ${tokenOf({ userId })}` },
    });
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    const colleague = randomUUID();
    queueService.staff.add(colleague);
    await followFromNow(t, { userId: colleague });
    open[0]?.close();
    await until('another stream opens', async () => {
      const source = follow(t);
      await until('it has a status', () => source.statuses.length > 0);
      return source.statuses[0] === 200;
    });
  });

  it('buffers little for a slow reader, and skips no event', async (t) => {
    for (let party = 0; party < 20_000; party++) line.join();
    await position.places(line.queueId, []);
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    t.after(() => socket.destroy());
    socket.pause();
    socket.write(
      `GET /v1/live/queues/${line.queueId} HTTP/1.1\r\nhost: x\r\nlast-event-id: 0\r\n` +
        `authorization: Bearer ${tokenOf({ userId })}\r\n\r\n`,
    );
    let before = -1;
    let looks = 0;
    await until('reading for it pauses', () => {
      looks = queueService.calls.events === before ? looks + 1 : 0;
      before = queueService.calls.events;
      return looks === 25;
    });
    const all = line.events.length;
    let text = '';
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
    socket.resume();
    await until('all events have arrived', () => text.includes(`\nid: ${all}\n`));
    const ids = [...text.matchAll(/\nid: (\d+)\nevent/g)].map(([, id]) => Number(id));
    assert.deepEqual(
      ids,
      Array.from({ length: all }, (_, index) => index + 1),
    );
  });

  it('ends when the process stops', async (t) => {
    const other = await start();
    const base = await other.app.listen({ host: '127.0.0.1', port: 0 });
    await other.apply(line.events);
    const source = await followFromNow(t, { base });
    await other.close();
    await source.over;
    assert.deepEqual(source.statuses, [200]);
  });
});
