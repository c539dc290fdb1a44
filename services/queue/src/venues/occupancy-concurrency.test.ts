import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { sql } from 'kysely';
import { createConnection } from 'mysql2/promise';
import { type Database, openDatabase } from '../db/database.ts';
import { type Answer, isLockAskedFor, type QueueService, startQueueService } from '../testing.ts';
import { occupancyCalls } from './testing.ts';

const capacity = 100;
const seatings = 1_000;
const concurrency = 200;
const queuesPerVenue = 5;

describe('occupancy under concurrent changes', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const { count, click, move, patch, add, seat, openDoor } = occupancyCalls(() => service);

  it('counts every click while the venue is updated', async () => {
    const { owner, venueId, host } = await openDoor(null);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        index % 2 === 0
          ? click(venueId, host, { delta: 1 })
          : service.call('PATCH', `/v1/venues/${venueId}`, {
              as: owner,
              body: { name: `Name ${index}`, capacity: 100 + index },
            }),
      ),
    );
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal((await count(venueId, host)).occupancy, 20);
  });

  it('waits for the venue lock without holding a queue lock', async () => {
    const { owner, venueId, queueId, host } = await openDoor();
    const seated = await seat(queueId, host, 2);
    const called = await add(queueId, host, 2);
    const { body: spare } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Bar' },
    });
    const works: [string, () => Promise<Answer>][] = [
      ['seat', () => move(called.id, 'seat', host)],
      ['size', () => patch(seated.id, host, { size: 3 })],
      ['depart', () => move(seated.id, 'depart', host)],
      ['restore', () => move(called.id, 'restore', host)],
      ['delete a queue', () => service.call('DELETE', `/v1/queues/${spare.id}`, { as: owner })],
      ['delete the venue', () => service.call('DELETE', `/v1/venues/${venueId}`, { as: owner })],
    ];
    const door = await createConnection(service.databaseUrl);
    for (const [name, work] of works) {
      await door.query('START TRANSACTION');
      await door.query('SELECT id FROM venues WHERE id = ? FOR UPDATE', [uuidToBytes(venueId)]);
      const working = work();
      await until(`${name}: waits for the venue lock`, () => isLockAskedFor(service.db, 'venues'));
      // Fails when a queue is locked.
      await door.query('SELECT id FROM queues WHERE venue_id = ? FOR UPDATE NOWAIT', [
        uuidToBytes(venueId),
      ]);
      await door.query('COMMIT');
      const { status } = await working;
      assert.ok(status === 200 || status === 204, `${name}: ${status}`);
    }
    await door.end();
  });

  it('stays consistent while queues are created and deleted and the venue is updated', async () => {
    const { owner, venueId, queueId, host } = await openDoor(30);
    const queues = [queueId];
    for (let index = 0; index < 5; index += 1) {
      const url = `/v1/venues/${venueId}/queues`;
      queues.push((await service.call('POST', url, { as: owner, body: { name: 'Bar' } })).body.id);
    }
    const answers: Answer[] = [];
    const note = async (work: Promise<Answer>) => {
      answers.push(await work);
    };
    await Promise.all(
      queues.flatMap((id, at) => [
        ...Array.from({ length: 8 }, async () => {
          const { status, body } = await service.add(id, host, { size: 2 });
          if (status !== 201) return;
          await note(move(body.id, 'seat', host));
          await note(patch(body.id, host, { size: 3 }));
          await note(move(body.id, 'depart', host));
          await note(move(body.id, 'restore', host));
        }),
        note(
          service.call('POST', `/v1/venues/${venueId}/queues`, {
            as: owner,
            body: { name: `New ${at}` },
          }),
        ),
        note(
          service.call('PATCH', `/v1/venues/${venueId}`, {
            as: owner,
            body: { capacity: 20 + at },
          }),
        ),
        ...(at === 0 ? [] : [note(service.call('DELETE', `/v1/queues/${id}`, { as: owner }))]),
      ]),
    );
    const unexpected = answers.filter(({ status }) => ![200, 201, 204, 404, 409].includes(status));
    assert.deepEqual(
      unexpected.map(({ body }) => body),
      [],
    );
    await assertCounted(service.db, venueId);
  });

  it('never exceeds the capacity while parties are seated, depart, are restored and grow', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    try {
      await seatConcurrently(service, seed);
    } catch (error) {
      throw new Error(`with the seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  });
});

/** Asserts that every change adds up from the one before and that the venue's row matches the last. */
async function assertCounted(db: Database, venueId: string) {
  const changes = await db
    .selectFrom('occupancy_changes')
    .selectAll()
    .where('venue_id', '=', uuidToBytes(venueId))
    .orderBy('seq')
    .execute();
  let occupancy = 0;
  for (const [index, change] of changes.entries()) {
    assert.equal(change.seq, index + 1);
    occupancy += change.delta;
    assert.equal(change.occupancy, occupancy);
    assert.ok(occupancy >= 0);
  }
  const venue = await db
    .selectFrom('venues')
    .selectAll()
    .where('id', '=', uuidToBytes(venueId))
    .executeTakeFirstOrThrow();
  assert.deepEqual([venue.occupancy, venue.occupancy_seq], [occupancy, changes.length]);
  return changes;
}

/**
 * Seats a thousand parties of random sizes concurrently, over all queues of a venue with far less room. Each
 * seating is followed by a departure, a restore or a change of size of an earlier party. The seed determines the
 * moves, not the order in which they reach the database.
 */
async function seatConcurrently(service: QueueService, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const { owner: as, venueId, queueId } = await service.openLine({}, { capacity });
  const lines = [queueId];
  while (lines.length < queuesPerVenue) {
    const url = `/v1/venues/${venueId}/queues`;
    const { body } = await service.call('POST', url, { as, body: { name: `Bar ${lines.length}` } });
    lines.push(body.id);
  }
  for (const line of lines) {
    await service.fill(
      line,
      Array.from({ length: seatings / queuesPerVenue }, (_, index) => ({
        name: `Guest ${index}`,
        state: 'waiting' as const,
        size: 1 + below(8),
      })),
    );
  }
  const parties = await service.db
    .selectFrom('parties')
    .select('id')
    .where('queue_id', 'in', lines.map(uuidToBytes))
    .orderBy('order_key')
    .orderBy('queue_id')
    .execute();
  const ids = parties.map(({ id }) => bytesToUuid(id));
  assert.equal(ids.length, seatings);

  const post = (id: string, move: string) =>
    service.call('POST', `/v1/parties/${id}/${move}`, { as });
  const plans = ids.map((id, index) => {
    /** A party whose seating came before or is in flight. */
    const other = () => ids[Math.max(0, index - below(concurrency + 50))] as string;
    const [one, two, size, kind] = [other(), other(), 1 + below(8), random()];
    const then =
      kind < 0.4
        ? () => post(one, 'depart')
        : kind < 0.6
          ? () => post(one, 'restore')
          : () => service.call('PATCH', `/v1/parties/${one}`, { as, body: { size } });
    return [() => post(id, 'seat'), then, () => post(two, 'depart')];
  });

  // One statement sees one moment: the count must equal the sizes of the seated parties.
  const watch = openDatabase({ url: service.databaseUrl, poolSize: 1 });
  const look = async () => {
    const { rows } = await sql<{ counted: number; seated: string | number }>`
      SELECT v.occupancy AS counted, (
        SELECT COALESCE(SUM(p.size), 0) FROM queues AS q JOIN parties AS p ON p.queue_id = q.id
        WHERE q.venue_id = v.id AND p.state = 'seated'
      ) AS seated
      FROM venues AS v WHERE v.id = ${uuidToBytes(venueId)}`.execute(watch);
    const { counted, seated } = rows[0] as { counted: number; seated: string | number };
    assert.equal(counted, Number(seated));
    assert.ok(counted <= capacity, `${counted} are in`);
    return counted;
  };
  let isOver = false;
  const looks: number[] = [];
  const watching = (async () => {
    while (!isOver) looks.push(await look());
  })();

  const answers: Answer[] = [];
  const pending = plans.values();
  const host = async () => {
    for (const plan of pending) {
      for (const step of plan) answers.push(await step());
    }
  };
  try {
    await Promise.all([
      watching,
      Promise.all(Array.from({ length: concurrency }, host)).finally(() => {
        isOver = true;
      }),
    ]);
    const inTheEnd = await look();
    const changes = await assertCounted(service.db, venueId);
    assert.ok(changes.every(({ occupancy }) => occupancy <= capacity));
    assert.equal(changes.at(-1)?.occupancy, inTheEnd);
    assert.ok(
      changes.some(({ occupancy }) => occupancy >= capacity - 8),
      'the venue was never full',
    );
    assert.ok(looks.length > 0);
    const { body } = await service.call('GET', `/v1/venues/${venueId}/occupancy`, { as });
    assert.equal(body.occupancy, inTheEnd);
  } finally {
    await watch.destroy();
  }

  const problems = new Set(
    answers
      .filter(({ status }) => status !== 200)
      .map(({ status, body }) => `${status} ${body.type}`),
  );
  assert.deepEqual([...problems].sort(), [
    '409 https://queue-manager.dev/problems/invalid-transition',
    '409 https://queue-manager.dev/problems/venue-full',
  ]);
  for (const line of lines) await service.assertSound(line);
}

/** mulberry32, so that the seed of a failure repeats it. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
