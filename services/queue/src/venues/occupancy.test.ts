import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { sql } from 'kysely';
import { createConnection } from 'mysql2/promise';
import { type Database, openDatabase } from '../db/database.ts';
import {
  type Answer,
  assertProblem,
  isLockAskedFor,
  type QueueService,
  startQueueService,
} from '../testing.ts';

describe('the count at the door', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const doorOf = (venueId: string) => `/v1/venues/${venueId}/occupancy`;
  const count = async (venueId: string, as: string) =>
    (await service.call('GET', doorOf(venueId), { as })).body;
  const click = (venueId: string, as: string, body: object, key?: string) =>
    service.call('POST', doorOf(venueId), { as, body, ...(key === undefined ? {} : { key }) });
  const move = (partyId: string, what: string, as: string, body: object = {}) =>
    service.call('POST', `/v1/parties/${partyId}/${what}`, { as, body });
  const patch = (partyId: string, as: string, body: object) =>
    service.call('PATCH', `/v1/parties/${partyId}`, { as, body });
  const changesOf = async (venueId: string, as: string) =>
    (await service.call('GET', `${doorOf(venueId)}/changes`, { as })).body.data;
  const add = async (queueId: string, as: string, size: number): Promise<Party> =>
    (await service.add(queueId, as, { size })).body;
  const seat = async (queueId: string, as: string, size: number): Promise<Party> => {
    const { status, body } = await move((await add(queueId, as, size)).id, 'seat', as);
    assert.equal(status, 200);
    return body;
  };
  /** An open line of a venue with a capacity, a manager and a host beside the owner. */
  const openDoor = async (capacity: number | null = 10) => {
    const line = await service.openLine({}, { capacity });
    return {
      ...line,
      manager: await service.member(line.venueId, 'manager'),
      host: await service.member(line.venueId, 'host'),
    };
  };
  const eventsOf = async (queueId: string, partyId: string) => {
    const rows = await service.eventsOf(queueId);
    const reasons = await service.db
      .selectFrom('reasons')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(queueId))
      .execute();
    return rows
      .filter(({ party_id }) => party_id?.equals(uuidToBytes(partyId)))
      .map(({ type, seq, data }) => ({
        type,
        override: JSON.parse(data).override,
        reason: reasons.find((reason) => reason.seq === seq)?.text,
      }));
  };

  describe('by clicks', () => {
    it('goes up and down, never below 0, and is shown with the venue', async () => {
      const { owner, venueId, host } = await openDoor();
      assert.deepEqual(await count(venueId, host), { occupancy: 0, capacity: 10, available: 10 });
      const { status, body } = await click(venueId, host, { delta: 4 });
      assert.equal(status, 200);
      assert.deepEqual(body, { occupancy: 4, capacity: 10, available: 6 });
      const down = await click(venueId, host, { delta: -1 });
      assert.deepEqual(down.body, { occupancy: 3, capacity: 10, available: 7 });
      assert.deepEqual(await count(venueId, host), down.body);
      const venue = await service.call('GET', `/v1/venues/${venueId}`, { as: owner });
      assert.equal(venue.body.occupancy, 3);

      // Who goes uncounted came in uncounted: the record tells what was counted.
      const below = await click(venueId, host, { delta: -8, reason: 'Recounted' });
      assert.deepEqual(below.body, { occupancy: 0, capacity: 10, available: 10 });
      const [last, ...earlier] = await changesOf(venueId, owner);
      const { id, ...facts } = last;
      assert.deepEqual(facts, {
        time: service.clock.now().toISOString(),
        delta: -3,
        occupancy: 0,
        partyId: null,
        actor: { kind: 'staff', userId: host },
        override: false,
        reason: 'Recounted',
      });
      assert.deepEqual(
        earlier.map(({ delta }: { delta: number }) => delta),
        [-1, 4],
      );
    });

    it('lets nobody in beyond the capacity, and says how many may come', async () => {
      const { owner, venueId, host } = await openDoor();
      await click(venueId, host, { delta: 8 });
      const refused = await click(venueId, host, { delta: 3 });
      assertProblem(refused, 'venue-full');
      assert.match(refused.body.detail, /room for 2 more, not 3: 8 of 10/);
      assert.equal((await click(venueId, host, { delta: 2 })).body.available, 0);
      assertProblem(await click(venueId, host, { delta: 1 }), 'venue-full');
      assert.equal((await changesOf(venueId, owner)).length, 2);
    });

    it('counts on without a capacity', async () => {
      const { owner, venueId, queueId, host } = await openDoor(null);
      await click(venueId, host, { delta: 1_000 });
      await seat(queueId, host, 5);
      assert.deepEqual(await count(venueId, host), {
        occupancy: 1_005,
        capacity: null,
        available: null,
      });
      // A limit that comes later, and lower: only then nobody more comes in.
      const { status, body } = await service.call('PATCH', `/v1/venues/${venueId}`, {
        as: owner,
        body: { capacity: 100 },
      });
      assert.deepEqual([status, body.capacity, body.occupancy], [200, 100, 1_005]);
      assert.deepEqual(await count(venueId, host), {
        occupancy: 1_005,
        capacity: 100,
        available: 0,
      });
      const refused = await click(venueId, host, { delta: 1 });
      assertProblem(refused, 'venue-full');
      assert.match(refused.body.detail, /room for 0 more/);
      assert.equal((await click(venueId, host, { delta: -1 })).body.occupancy, 1_004);
    });

    it('counts a repeated click once', async () => {
      const { owner, venueId, host } = await openDoor();
      const key = newId(service.clock);
      const answers = await Promise.all(
        [1, 2, 3].map(() => click(venueId, host, { delta: 2 }, key)),
      );
      for (const { status, body } of answers) {
        assert.deepEqual([status, body.occupancy], [200, 2]);
      }
      await click(venueId, host, { delta: 1 });
      assert.equal((await click(venueId, host, { delta: 2 }, key)).body.occupancy, 2);
      assert.equal((await count(venueId, host)).occupancy, 3);
      assertProblem(await click(venueId, host, { delta: 3 }, key), 'idempotency-key-reused');
      // What was refused leaves the key free.
      const full = newId(service.clock);
      assertProblem(await click(venueId, host, { delta: 8 }, full), 'venue-full');
      await click(venueId, host, { delta: -1 });
      assert.equal((await click(venueId, host, { delta: 8 }, full)).body.occupancy, 10);
      assert.equal((await changesOf(venueId, owner)).length, 4);
    });

    it('takes whole people, some of them, and nothing else', async () => {
      const { venueId, host } = await openDoor();
      const refusals: [object, string][] = [
        [{}, 'delta'],
        [{ delta: 0 }, 'delta'],
        [{ delta: 1.5 }, 'delta'],
        [{ delta: 1_001 }, 'delta'],
        [{ delta: -1_001 }, 'delta'],
        [{ delta: '2' }, 'delta'],
        [{ delta: 1, override: true }, 'reason'],
        [{ delta: 1, override: 'yes', reason: 'x' }, 'override'],
        [{ delta: 1, reason: '' }, 'reason'],
        [{ delta: 1, occupancy: 4 }, 'occupancy'],
      ];
      for (const [body, path] of refusals) {
        const paths = assertProblem(await click(venueId, host, body), 'validation-failed');
        assert.deepEqual([...new Set(paths)], [path], JSON.stringify(body));
      }
    });

    it('is for the staff of the venue; its record for managers', async () => {
      const { owner, manager, host, venueId } = await openDoor();
      const { owner: stranger } = await openDoor();
      for (const as of [stranger, newId(service.clock)]) {
        assertProblem(await service.call('GET', doorOf(venueId), { as }), 'not-found');
        assertProblem(await click(venueId, as, { delta: 1 }), 'not-found');
        const override = { delta: 1, override: true, reason: 'x' };
        assertProblem(await click(venueId, as, override), 'not-found');
        const changes = await service.call('GET', `${doorOf(venueId)}/changes`, { as });
        assertProblem(changes, 'not-found');
      }
      const forHost = await service.call('GET', `${doorOf(venueId)}/changes`, { as: host });
      assertProblem(forHost, 'forbidden');
      for (const as of [host, manager, owner]) {
        assert.equal((await click(venueId, as, { delta: 1 })).status, 200);
        assert.equal((await service.call('GET', doorOf(venueId), { as })).status, 200);
      }
      for (const url of [doorOf(venueId), `${doorOf(venueId)}/changes`]) {
        assertProblem(await service.call('GET', url), 'unauthenticated');
      }
    });

    it('is looked back on page by page, the latest first, also within one millisecond', async () => {
      const { owner, venueId, host } = await openDoor(null);
      for (let delta = 1; delta <= 7; delta += 1) await click(venueId, host, { delta });
      const seen: number[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const url = `${doorOf(venueId)}/changes?limit=3${after}`;
        const { body } = await service.call('GET', url, { as: owner });
        seen.push(...body.data.map(({ delta }: { delta: number }) => delta));
        // What comes meanwhile shifts nothing.
        await click(venueId, host, { delta: 100 });
        cursor = body.nextCursor;
      }
      assert.deepEqual(seen, [7, 6, 5, 4, 3, 2, 1]);
      for (const wrong of ['x', Buffer.from('["1"]').toString('base64url'), 'WzEuNV0']) {
        const url = `${doorOf(venueId)}/changes?cursor=${wrong}`;
        const paths = assertProblem(
          await service.call('GET', url, { as: owner }),
          'validation-failed',
        );
        assert.deepEqual(paths, ['cursor']);
      }
    });
  });

  describe('by parties', () => {
    it('grows by whom is seated and shrinks when they depart or are restored', async () => {
      const { owner, venueId, queueId, host } = await openDoor();
      const [a, b, c] = [
        await seat(queueId, host, 4),
        await seat(queueId, host, 3),
        await add(queueId, host, 2),
      ];
      assert.equal((await count(venueId, host)).occupancy, 7);
      assert.equal((await move(a.id, 'depart', host)).body.state, 'departed');
      assert.equal((await count(venueId, host)).occupancy, 3);
      assert.equal((await move(b.id, 'restore', host)).body.state, 'waiting');
      assert.equal((await count(venueId, host)).occupancy, 0);
      // Those who are not in: nothing at the door.
      await move(a.id, 'restore', host);
      await move(a.id, 'call', host);
      await move(a.id, 'restore', host);
      await move(c.id, 'remove', host);
      await move(c.id, 'restore', host);
      assert.equal((await count(venueId, host)).occupancy, 0);
      const changes = await changesOf(venueId, owner);
      assert.deepEqual(
        changes.map(({ delta, partyId }: { delta: number; partyId: string }) => [delta, partyId]),
        [
          [-3, b.id],
          [-4, a.id],
          [3, b.id],
          [4, a.id],
        ],
      );
      assertProblem(await move(a.id, 'depart', host), 'invalid-transition');
      await service.assertSound(queueId);
    });

    it('keeps a party out that does not fit, as if nothing had been asked', async () => {
      const { venueId, queueId, host } = await openDoor();
      await seat(queueId, host, 8);
      const three = await add(queueId, host, 3);
      const before = await service.eventsOf(queueId);
      const refused = await move(three.id, 'seat', host);
      assertProblem(refused, 'venue-full');
      assert.deepEqual(await service.eventsOf(queueId), before);
      const two = await add(queueId, host, 2);
      assert.equal((await move(two.id, 'seat', host)).status, 200);
      assert.deepEqual(await count(venueId, host), { occupancy: 10, capacity: 10, available: 0 });
      // A second pressing is no second seating.
      assertProblem(await move(two.id, 'seat', host), 'invalid-transition');
      await service.assertSound(queueId);
    });

    it('shares the places among all queues of the venue', async () => {
      const { owner, venueId, queueId, host } = await openDoor();
      const { body: other } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
        as: owner,
        body: { name: 'Bar' },
      });
      await seat(queueId, host, 6);
      await seat(other.id, host, 4);
      assertProblem(await move((await add(other.id, host, 1)).id, 'seat', host), 'venue-full');
      // Whose queue is deleted still sits there, until somebody counts them out.
      await service.call('DELETE', `/v1/queues/${other.id}`, { as: owner });
      assert.equal((await count(venueId, host)).occupancy, 10);
      assert.equal((await click(venueId, host, { delta: -4 })).body.occupancy, 6);
      assert.equal(
        (await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner })).status,
        204,
      );
      assertProblem(await service.call('GET', doorOf(venueId), { as: host }), 'not-found');
      assertProblem(await click(venueId, host, { delta: 1 }), 'not-found');
    });

    it('departs down to 0 when the clicker has counted them out before', async () => {
      const { venueId, queueId, host } = await openDoor();
      const party = await seat(queueId, host, 4);
      await click(venueId, host, { delta: -3 });
      assert.equal((await move(party.id, 'depart', host)).status, 200);
      assert.equal((await count(venueId, host)).occupancy, 0);
    });
  });

  describe('with an override', () => {
    const override = { override: true, reason: 'Friends of the house' };

    it('is a manager’s, with a reason, and on record', async () => {
      const { owner, manager, host, venueId, queueId } = await openDoor(4);
      await seat(queueId, host, 3);
      const { id } = await add(queueId, host, 2);
      assertProblem(await move(id, 'seat', host, override), 'forbidden');
      for (const as of [host, manager]) {
        const paths = assertProblem(
          await move(id, 'seat', as, { override: true }),
          'validation-failed',
        );
        assert.deepEqual(paths, ['reason']);
      }
      // A reason alone lets nobody in.
      assertProblem(await move(id, 'seat', manager, { reason: 'Please' }), 'venue-full');
      const falsely = { override: false, reason: 'Please' };
      assertProblem(await move(id, 'seat', manager, falsely), 'venue-full');
      assert.equal((await move(id, 'seat', manager, override)).body.state, 'seated');
      assert.deepEqual(await count(venueId, host), { occupancy: 5, capacity: 4, available: 0 });
      assert.deepEqual((await eventsOf(queueId, id)).at(-1), {
        type: 'party.seated',
        override: true,
        reason: override.reason,
      });
      const [last] = await changesOf(venueId, owner);
      assert.partialDeepStrictEqual(last, {
        delta: 2,
        occupancy: 5,
        partyId: id,
        actor: { kind: 'staff', userId: manager },
        ...override,
      });

      assertProblem(await click(venueId, host, { delta: 1, ...override }), 'forbidden');
      const clicked = await click(venueId, manager, { delta: 1, ...override });
      assert.deepEqual(clicked.body, { occupancy: 6, capacity: 4, available: 0 });
      const [lastClick] = await changesOf(venueId, owner);
      assert.partialDeepStrictEqual(lastClick, { delta: 1, partyId: null, ...override });
    });

    it('is not on record where there was room; why, is', async () => {
      const { owner, manager, host, venueId, queueId } = await openDoor(4);
      const { id } = await add(queueId, host, 2);
      assert.equal((await move(id, 'seat', manager, override)).status, 200);
      const { reason } = override;
      assert.deepEqual((await eventsOf(queueId, id)).at(-1), {
        type: 'party.seated',
        override: undefined,
        reason,
      });
      await click(venueId, manager, { delta: -1, ...override });
      await patch(id, manager, { size: 3, ...override });
      // Just a reason, from anybody.
      await move(id, 'depart', host, { reason: 'Sang too loud' });
      assert.deepEqual(
        (await changesOf(venueId, owner)).map(
          (change: { override: boolean; reason: string | null }) => [
            change.override,
            change.reason,
          ],
        ),
        [
          [false, 'Sang too loud'],
          [false, reason],
          [false, reason],
          [false, reason],
        ],
      );
    });
  });

  describe('by the size of a party', () => {
    it('takes and gives places while the party sits, and only then', async () => {
      const { owner, manager, host, venueId, queueId } = await openDoor();
      const party = await seat(queueId, host, 4);
      const waiting = await add(queueId, host, 4);
      const occupancy = async () => (await count(venueId, host)).occupancy;
      assert.equal((await patch(party.id, host, { size: 6 })).body.size, 6);
      assert.equal(await occupancy(), 6);
      assert.equal((await patch(party.id, host, { size: 2, reason: 'Went on' })).status, 200);
      assert.equal(await occupancy(), 2);
      assert.deepEqual((await eventsOf(queueId, party.id)).at(-1), {
        type: 'party.changed',
        override: undefined,
        reason: 'Went on',
      });
      await click(venueId, host, { delta: 6 });
      const before = await service.eventsOf(queueId);
      const refused = await patch(party.id, host, { size: 5, name: 'Never written' });
      assertProblem(refused, 'venue-full');
      assert.match(refused.body.detail, /room for 2 more, not 3/);
      assert.deepEqual(await service.eventsOf(queueId), before);
      const { body: unchanged } = await service.call('GET', `/v1/parties/${party.id}`, {
        as: host,
      });
      assert.deepEqual([unchanged.name, unchanged.size], ['Ana Lima', 2]);

      const override = { override: true, reason: 'Squeezed in' };
      assertProblem(await patch(party.id, host, { size: 5, ...override }), 'forbidden');
      const unexplained = await patch(party.id, manager, { size: 5, override: true });
      assert.deepEqual(assertProblem(unexplained, 'validation-failed'), ['reason']);
      assert.equal((await patch(party.id, manager, { size: 5, ...override })).body.size, 5);
      assert.equal(await occupancy(), 11);
      assert.deepEqual((await eventsOf(queueId, party.id)).at(-1), {
        type: 'party.changed',
        ...override,
      });
      const [last] = await changesOf(venueId, owner);
      assert.partialDeepStrictEqual(last, { delta: 3, partyId: party.id, ...override });

      // Those who wait, or have gone, sit nowhere: no place is asked for, no override needed.
      assert.equal((await patch(waiting.id, manager, { size: 9, ...override })).body.size, 9);
      assert.equal((await eventsOf(queueId, waiting.id)).at(-1)?.override, undefined);
      await move(party.id, 'depart', host);
      assert.equal(await occupancy(), 6);
      assert.equal((await patch(party.id, host, { size: 9 })).body.size, 9);
      // Nor does a change of anything else.
      await patch(waiting.id, host, { name: 'Bea', reason: 'Misheard' });
      assert.equal(await occupancy(), 6);
      await service.assertSound(queueId);
    });
  });

  it('survives a change of the venue at the same moment', async () => {
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

  it('waits for the venue with no line in its hands', async () => {
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
      await until(`${name}: it waits for the venue`, () => isLockAskedFor(service.db, 'venues'));
      // Fails when somebody holds one of them.
      await door.query('SELECT id FROM queues WHERE venue_id = ? FOR UPDATE NOWAIT', [
        uuidToBytes(venueId),
      ]);
      await door.query('COMMIT');
      const { status } = await working;
      assert.ok(status === 200 || status === 204, `${name}: ${status}`);
    }
    await door.end();
  });

  it('goes on while queues come and go and the venue changes', async () => {
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

  it('is never oversold, however many are seated, depart, come back and grow at once', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    try {
      await fullHouse(service, seed);
    } catch (error) {
      throw new Error(`with the seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  });
});

/** Checks that every change follows the one before it, and that the last one left what the venue's row says. */
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

const capacity = 100;
const seatings = 1_000;
const atOnce = 200;
const linesOfVenue = 5;

/**
 * A thousand seatings of random sizes, many at a time over all lines of a venue that fits far fewer, each
 * followed by a departure, a return or a change of size of somebody who was seated before. Which is which comes
 * from the seed; in which order they reach the venue does not.
 */
async function fullHouse(service: QueueService, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const { owner: as, venueId, queueId } = await service.openLine({}, { capacity });
  const lines = [queueId];
  while (lines.length < linesOfVenue) {
    const url = `/v1/venues/${venueId}/queues`;
    const { body } = await service.call('POST', url, { as, body: { name: `Bar ${lines.length}` } });
    lines.push(body.id);
  }
  for (const line of lines) {
    await service.fill(
      line,
      Array.from({ length: seatings / linesOfVenue }, (_, index) => ({
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
    /** Somebody whose seating came before, or is on its way. */
    const other = () => ids[Math.max(0, index - below(atOnce + 50))] as string;
    const [one, two, size, kind] = [other(), other(), 1 + below(8), random()];
    const then =
      kind < 0.4
        ? () => post(one, 'depart')
        : kind < 0.6
          ? () => post(one, 'restore')
          : () => service.call('PATCH', `/v1/parties/${one}`, { as, body: { size } });
    return [() => post(id, 'seat'), then, () => post(two, 'depart')];
  });

  // Watches from outside, each look one statement and so one moment: who is counted is who sits there.
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
      Promise.all(Array.from({ length: atOnce }, host)).finally(() => {
        isOver = true;
      }),
    ]);
    const inTheEnd = await look();
    const changes = await assertCounted(service.db, venueId);
    assert.ok(changes.every(({ occupancy }) => occupancy <= capacity));
    assert.equal(changes.at(-1)?.occupancy, inTheEnd);
    assert.ok(
      changes.some(({ occupancy }) => occupancy >= capacity - 8),
      'it was never full',
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

/** mulberry32, so that a failure can be repeated from its seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
