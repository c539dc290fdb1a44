import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createApiKey, deleteApiKey } from '@queue-manager/contracts/api-keys';
import {
  consumeMessages,
  deleteMessage,
  FeedEvent,
  getBrokerStats,
  publishMessage,
} from '@queue-manager/contracts/broker';
import { listQueueEvents } from '@queue-manager/contracts/history';
import { addParty, callParty, moveParty, seatParty } from '@queue-manager/contracts/parties';
import { updateVenue } from '@queue-manager/contracts/venues';
import { until } from '@queue-manager/service-kit/testing';
import { openQueueOf, openVenue, type TestVenue } from './support/lines.ts';
import { call, gatewayUrl, succeed } from './support/system.ts';

const consumerFile = fileURLToPath(new URL('support/night-consumer.mjs', import.meta.url));
const consumers = 4;
const parties = 60;
/** A consumer is killed while it handles one of its first messages, chosen at random. */
const handledPerLifeMax = 15;

type Note = { what: 'begin' | 'end'; id: string; cid: string; at: number; body?: unknown };
/** When a consumer was handling a message; until it was killed, if it did not end. */
type Handling = { id: string; cid: string; from: number; to: number; hasEnded: boolean };

async function keyOf({ owner, venue }: TestVenue) {
  const params = { venueId: venue.id };
  const made = await succeed(createApiKey, { token: owner.token, params, body: { name: 'Till' } });
  return { id: made.id, token: made.key ?? assert.fail('a new key is shown') };
}

/** Runs a consumer that is killed and started again and again, and keeps what it notes. */
function runConsumer(cid: string, key: string) {
  const handled: Handling[] = [];
  const bodies = new Map<string, unknown>();
  let child: ReturnType<typeof start>;
  let kills = 0;
  let isSpared = false;
  let isStopping = false;

  function start() {
    const started = spawn(process.execPath, [consumerFile, gatewayUrl, key, cid], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: started.stdout });
    let left = Math.ceil(Math.random() * handledPerLifeMax);
    lines.on('line', (line) => {
      const note = JSON.parse(line) as Note;
      if (note.what === 'begin') {
        bodies.set(note.id, note.body);
        handled.push({ id: note.id, cid, from: note.at, to: Infinity, hasEnded: false });
        left -= 1;
        if (left === 0 && !isSpared) started.kill('SIGKILL');
      } else {
        Object.assign(handled.at(-1) as Handling, { to: note.at, hasEnded: true });
      }
    });
    const read = once(lines, 'close');
    const exited = once(started, 'exit').then(async () => {
      const killedAt = Date.now();
      await read;
      for (const handling of handled) handling.to = Math.min(handling.to, killedAt);
      kills += 1;
      if (!isStopping) child = start();
    });
    return { process: started, exited };
  }
  child = start();
  return {
    handled,
    bodies,
    kills: () => kills,
    /** Lets it live, so that it finishes the rest. */
    spare: () => {
      isSpared = true;
    },
    async stop() {
      isStopping = true;
      child.process.kill('SIGKILL');
      await child.exited;
    },
  };
}

describe('the message queue of a venue', () => {
  let venue: TestVenue;
  before(async () => {
    venue = await openVenue();
  });

  it('loses its events to no consumer that is killed, and gives each to one at a time', async (t) => {
    const { owner } = venue;
    const { token } = owner;
    const params = { venueId: venue.venue.id };
    const changed = await succeed(updateVenue, { token, params, body: { feed: true } });
    assert.equal(changed.feed, true);
    const key = await keyOf(venue);
    const queue = await openQueueOf(venue);
    const running = Array.from({ length: consumers }, (_, index) =>
      runConsumer(`consumer ${index}`, key.token),
    );
    t.after(() => Promise.all(running.map(({ stop }) => stop())));

    for (let n = 1; n <= parties; n += 1) {
      const party = await succeed(addParty, {
        token,
        params: { queueId: queue.id },
        body: { name: `Guest ${n}`, email: `guest-${n}@example.com`, notes: 'A secret' },
      });
      const ofParty = { token, params: { partyId: party.id } };
      if (n % 5 === 0) {
        await succeed(moveParty, { ...ofParty, body: { position: 1, reason: 'Told in secret' } });
      }
      await succeed(callParty, ofParty);
      if (n % 2 === 0) await succeed(seatParty, ofParty);
    }
    const { data: newest } = await succeed(listQueueEvents, {
      token,
      params: { queueId: queue.id },
      query: { order: 'desc', limit: 1 },
    });
    const lastSeq = newest[0]?.seq ?? 0;
    const handled = () => running.flatMap((consumer) => consumer.handled);
    const bodies = () => new Map(running.flatMap((consumer) => [...consumer.bodies]));
    const seqs = () => new Set([...bodies().values()].map((body) => FeedEvent.parse(body).seq));
    await until('every event has begun', () => seqs().size === lastSeq);
    for (const { spare } of running) spare();
    await until('every message is deleted', async () => {
      const { ready, locked, dead } = await succeed(getBrokerStats, { token: key.token });
      assert.equal(dead, 0);
      return ready + locked === 0;
    });
    const kills = running.reduce((sum, consumer) => sum + consumer.kills(), 0);
    t.diagnostic(`${lastSeq} events, ${handled().length} times handled, ${kills} kills`);
    assert.ok(kills > consumers);

    const ended = new Set(handled().flatMap(({ id, hasEnded }) => (hasEnded ? [id] : [])));
    assert.deepEqual(
      [...bodies().keys()].filter((id) => !ended.has(id)),
      [],
    );
    for (const ofMessage of Map.groupBy(handled(), ({ id }) => id).values()) {
      const inOrder = ofMessage.toSorted((a, b) => a.from - b.from);
      inOrder.slice(1).forEach((next, index) => {
        const before = inOrder[index] as Handling;
        assert.ok(before.to <= next.from, `${before.cid} and ${next.cid} had a message at once`);
      });
    }

    // In the order of publishing, which the ids tell.
    const published = [...bodies()].toSorted(([a], [b]) => Number(a) - Number(b));
    const events = published.map(([, body]) => FeedEvent.parse(body));
    for (const ofParty of Map.groupBy(events, ({ partyId }) => partyId).values()) {
      const order = ofParty.map(({ seq }) => seq);
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
    }
    assert.equal(events.length, lastSeq, 'an event was published twice');
    assert.ok(events.every(({ queueId }) => queueId === queue.id));
    const text = JSON.stringify(published);
    for (const secret of ['Guest', '@', 'secret', owner.email]) assert.ok(!text.includes(secret));
  });

  it('gets no events after its feed was switched off, and those from then on when it is on again', async () => {
    const other = await openVenue();
    const { token } = other.owner;
    const params = { venueId: other.venue.id };
    const { token: key } = await keyOf(other);
    const queue = await openQueueOf(other);
    const add = () =>
      succeed(addParty, { token, params: { queueId: queue.id }, body: { name: 'Ana' } });
    const next = async () => {
      const query = { cid: 1, wait: 20 };
      const [message] = await succeed(consumeMessages, { token: key, query });
      assert.ok(message);
      await succeed(deleteMessage, { token: key, query: { cid: 1, id: message.id } });
      return FeedEvent.parse(message.body);
    };
    await add();
    await succeed(updateVenue, { token, params, body: { feed: true } });
    const second = await add();
    const event = await next();
    assert.deepEqual([event.type, event.partyId], ['party.joined', second.id]);
    await succeed(updateVenue, { token, params, body: { feed: false } });
    await add();
    await succeed(updateVenue, { token, params, body: { feed: true } });
    const fourth = await add();
    assert.equal((await next()).partyId, fourth.id);
  });

  it('refuses a deleted key within 5 s', async () => {
    const { token, id } = await keyOf(venue);
    await succeed(publishMessage, { token, body: { table: 4 } });
    const params = { venueId: venue.venue.id, keyId: id };
    await succeed(deleteApiKey, { token: venue.owner.token, params });
    const deletedAt = performance.now();
    await until('the key is refused', async () => {
      return (await call(getBrokerStats, { token })).status === 401;
    });
    assert.ok(performance.now() - deletedAt < 5_000);
  });
});
