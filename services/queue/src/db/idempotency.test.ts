import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { createHousekeeping } from '../housekeeping.ts';
import { type Answer, assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { once, sweepIdempotencyKeys } from './idempotency.ts';

describe('a repeat with the same Idempotency-Key', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  type Line = Awaited<ReturnType<QueueService['openLine']>>;
  type Send = (key?: string) => Promise<Answer>;

  /** Every POST of the service: a line to send it to, and what of it the work leaves behind. */
  const routes: Record<string, (line: Line) => Promise<Send>> = {
    'POST /v1/venues': async ({ owner }) => post('/v1/venues', owner, venueBody),
    'POST /v1/venues/:id/queues': async ({ owner, venueId }) =>
      post(`/v1/venues/${venueId}/queues`, owner, { name: 'Bar' }),
    'POST …/open': async ({ owner, queueId }) => {
      await service.call('POST', `/v1/queues/${queueId}/close`, { as: owner });
      return post(`/v1/queues/${queueId}/open`, owner);
    },
    'POST …/pause': async ({ owner, queueId }) => post(`/v1/queues/${queueId}/pause`, owner),
    'POST …/close': async ({ owner, queueId }) => {
      await service.add(queueId, owner);
      return post(`/v1/queues/${queueId}/close`, owner, { expireWaiting: true });
    },
    'POST …/join-code': async ({ owner, queueId }) =>
      post(`/v1/queues/${queueId}/join-code`, owner),
    'POST …/parties': async ({ owner, queueId }) =>
      post(`/v1/queues/${queueId}/parties`, owner, { name: 'Ana', email: 'ana@example.com' }),
    'POST …/call-next': async ({ owner, queueId }) => {
      await service.add(queueId, owner);
      await service.add(queueId, owner);
      return post(`/v1/queues/${queueId}/call-next`, owner, { maxSize: 4 });
    },
    'POST …/call': async ({ owner, queueId }) => {
      const { body } = await service.add(queueId, owner);
      return post(`/v1/parties/${body.id}/call`, owner);
    },
    'POST …/seat': async ({ owner, queueId }) => {
      const { body } = await service.add(queueId, owner);
      return post(`/v1/parties/${body.id}/seat`, owner, { reason: 'Regular' });
    },
    'POST …/no-show': async ({ owner, queueId }) => {
      const { body } = await service.add(queueId, owner);
      await service.move(body, 'call', owner);
      return post(`/v1/parties/${body.id}/no-show`, owner);
    },
    'POST …/remove': async ({ owner, queueId }) => {
      const { body } = await service.add(queueId, owner);
      return post(`/v1/parties/${body.id}/remove`, owner);
    },
    'POST /v1/join/:code': async ({ joinCode }) =>
      post(`/v1/join/${joinCode}`, undefined, { name: 'Rui', phone: '+351912345678' }),
    'POST …/leave': async ({ joinCode }) => {
      const { body } = await service.join(joinCode);
      return post(`/v1/tickets/${body.ticket}/leave`, undefined);
    },
  };

  const venueBody = { name: 'The Blue Door', timezone: 'Europe/Lisbon' };

  function post(url: string, as: string | undefined, body?: object): Send {
    return (key) =>
      service.call('POST', url, {
        ...(as === undefined ? {} : { as }),
        ...(key === undefined ? {} : { key }),
        ...(body === undefined ? {} : { body }),
      });
  }

  const countOf = async (line: Line) => {
    const venues = await service.call('GET', '/v1/venues?limit=100', { as: line.owner });
    const queues = await service.call('GET', `/v1/venues/${line.venueId}/queues`, {
      as: line.owner,
    });
    return {
      venues: venues.body.data.length,
      queues: queues.body.data.length,
      events: (await service.eventsOf(line.queueId)).length,
    };
  };

  for (const [name, sendTo] of Object.entries(routes)) {
    it(`gets the first answer of ${name} and changes nothing`, async () => {
      const line = await service.openLine();
      const send = await sendTo(line);
      const before = await countOf(line);
      const key = randomUUID();
      const first = await send(key);
      assert.ok(first.status < 300, JSON.stringify(first.body));
      const done = await countOf(line);
      assert.notDeepEqual(done, before);

      // Whatever has happened to the line since.
      service.clock.advance(60);
      await service.add(line.queueId, line.owner);
      const meanwhile = await countOf(line);
      const repeat = await send(key);
      assert.deepEqual([repeat.status, repeat.body], [first.status, first.body]);
      assert.deepEqual(await countOf(line), meanwhile);
      await service.assertSound(line.queueId);
    });

    it(`does the work of ${name} once when all come at the same time`, async () => {
      const workOf = async (requests: number) => {
        const line = await service.openLine();
        const send = await sendTo(line);
        const before = await countOf(line);
        const key = randomUUID();
        const answers = await Promise.all(Array.from({ length: requests }, () => send(key)));
        for (const answer of answers) {
          assert.deepEqual([answer.status, answer.body], [answers[0]?.status, answers[0]?.body]);
        }
        const done = await countOf(line);
        await service.assertSound(line.queueId);
        return {
          venues: done.venues - before.venues,
          queues: done.queues - before.queues,
          events: done.events - before.events,
        };
      };
      assert.deepEqual(await workOf(5), await workOf(1));
    });
  }

  it('is refused with another body, and the first answer stays', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const key = randomUUID();
    const first = await service.add(queueId, owner, { size: 2 }, key);
    for (const body of [{ size: 3 }, { size: 2, notes: 'x' }, { name: 'Ana lima', size: 2 }]) {
      assertProblem(await service.add(queueId, owner, body, key), 'idempotency-key-reused');
    }
    // The same request, said in other words.
    const same = await service.add(queueId, owner, { lane: 'regular', size: 2, email: null }, key);
    assert.deepEqual(same.body, first.body);

    const guestKey = randomUUID();
    await service.join(joinCode, {}, guestKey);
    assertProblem(await service.join(joinCode, { size: 2 }, guestKey), 'idempotency-key-reused');
    assert.equal((await service.listAll(queueId, owner)).length, 2);
  });

  it('counts as the first request when the first one failed', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const key = randomUUID();
    const url = `/v1/queues/${queueId}/call-next`;
    assertProblem(await service.call('POST', url, { as: owner, key }), 'nobody-waiting');
    const { body: party } = await service.add(queueId, owner);
    const second = await service.call('POST', url, { as: owner, key });
    assert.deepEqual([second.status, second.body.id], [200, party.id]);
    assert.deepEqual((await service.call('POST', url, { as: owner, key })).body, second.body);

    await service.call('POST', `/v1/queues/${queueId}/close`, { as: owner });
    const guestKey = randomUUID();
    assertProblem(await service.join(joinCode, { size: 2 }, guestKey), 'queue-closed');
    await service.call('POST', `/v1/queues/${queueId}/open`, { as: owner });
    // Another body: nothing was remembered of the one that failed.
    assert.equal((await service.join(joinCode, { size: 3 }, guestKey)).status, 201);
    await service.assertSound(queueId);
  });

  it('waits for earlier ones that fail, without a deadlock', async () => {
    const { owner, queueId } = await service.openLine();
    const key = randomUUID();
    const url = `/v1/queues/${queueId}/call-next`;
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => service.call('POST', url, { as: owner, key })),
    );
    for (const answer of answers) assertProblem(answer, 'nobody-waiting');
  });

  it('gets the first answer also when the queue was closed since', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const key = randomUUID();
    const first = await service.join(joinCode, {}, key);
    for (const [method, url, body] of [
      ['PATCH', `/v1/queues/${queueId}`, { selfJoin: false }],
      ['POST', `/v1/queues/${queueId}/close`, { expireWaiting: true }],
    ] as const) {
      await service.call(method, url, { as: owner, body });
      assert.deepEqual((await service.join(joinCode, {}, key)).body, first.body);
    }
  });

  it('is a new request after 24 hours', async () => {
    const { owner, queueId } = await service.openLine();
    const key = randomUUID();
    const first = await service.add(queueId, owner, {}, key);
    service.clock.advance(24 * 60 * 60 - 1);
    assert.deepEqual((await service.add(queueId, owner, {}, key)).body, first.body);
    service.clock.advance(1);
    const later = await Promise.all(
      Array.from({ length: 4 }, () => service.add(queueId, owner, { size: 2 }, key)),
    );
    for (const { status, body } of later) {
      assert.deepEqual([status, body], [201, later[0]?.body]);
      assert.notEqual(body.id, first.body.id);
    }
    assert.equal((await service.listAll(queueId, owner)).length, 2);
    // And is remembered for another 24 hours.
    service.clock.advance(24 * 60 * 60 - 1);
    assert.deepEqual((await service.add(queueId, owner, { size: 2 }, key)).body, later[0]?.body);
  });

  it('is another request for another caller, route or target', async () => {
    const line = await service.openLine();
    const { owner, venueId, queueId, joinCode } = line;
    const manager = await service.member(venueId, 'manager');
    const { body: bar } = await service.call('POST', `/v1/venues/${venueId}/queues`, {
      as: owner,
      body: { name: 'Bar' },
    });
    const key = randomUUID();
    const answers = [
      await service.add(queueId, owner, {}, key),
      await service.add(queueId, manager, {}, key),
      await service.add(bar.id, owner, {}, key),
      await service.join(joinCode, {}, key),
      await service.join(bar.joinCode, {}, key),
    ];
    for (const { status } of answers) assert.equal(status, 201);
    const parties = [
      ...(await service.listAll(queueId, owner)),
      ...(await service.listAll(bar.id, owner)),
    ];
    assert.equal(parties.length, 5);
    const [one, two] = parties;
    assert.ok(one !== undefined && two !== undefined);
    for (const [party, move] of [
      [one, 'call'],
      [two, 'call'],
      [one, 'seat'],
      [two, 'leave'],
    ] as const) {
      assert.equal((await service.move(party, move, owner, key)).status, 200);
    }
    await service.assertSound(queueId);
  });

  it('is ignored where a repeat is harmless, and must have a well-formed key', async () => {
    const { owner, queueId } = await service.openLine();
    const changed = await service.call('PATCH', `/v1/queues/${queueId}`, {
      as: owner,
      key: 'x'.repeat(300),
      body: { name: 'Bar' },
    });
    assert.equal(changed.status, 200);
    const answer = await service.add(queueId, owner, {}, 'x'.repeat(256));
    assert.deepEqual(assertProblem(answer, 'validation-failed'), ['Idempotency-Key']);
    assert.equal((await service.add(queueId, owner, {}, 'x'.repeat(255))).status, 201);
  });

  it('is another request when the key differs in case', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: lower } = await service.add(queueId, owner, {}, 'abc');
    const { body: upper } = await service.add(queueId, owner, {}, 'ABC');
    assert.notEqual(lower.id, upper.id);
  });

  it('finds no personal data in stored answers, nor outside the table for it', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const person = {
      name: 'Zebulon Quark',
      email: 'zebulon.quark@example.com',
      phone: '+351987654321',
    };
    const { body: party } = await service.add(
      queueId,
      owner,
      { ...person, notes: 'Sits by the aquarium' },
      randomUUID(),
    );
    const { body: guest } = await service.join(joinCode, person, randomUUID());
    await service.call('PATCH', `/v1/parties/${party.id}`, {
      as: owner,
      body: { name: 'Zebulon Quarkson', notes: 'No aquarium' },
    });
    const nextUrl = `/v1/queues/${queueId}/call-next`;
    await service.call('POST', nextUrl, { as: owner, key: randomUUID() });
    await service.move(party, 'seat', owner, randomUUID());
    await service.call('POST', `/v1/tickets/${guest.ticket}/leave`, { key: randomUUID() });

    const secrets = [
      /zebulon|quark/i,
      /987.?654.?321/,
      /aquarium/i,
      new RegExp(party.ticket),
      new RegExp(guest.ticket),
    ];
    const queue_id = uuidToBytes(queueId);
    const db = service.db;
    const rows = {
      events: await db.selectFrom('events').selectAll().where('queue_id', '=', queue_id).execute(),
      parties: await db
        .selectFrom('parties')
        .selectAll()
        .where('queue_id', '=', queue_id)
        .execute(),
      quotes: await db.selectFrom('quotes').selectAll().where('queue_id', '=', queue_id).execute(),
      queues: await db.selectFrom('queues').selectAll().where('id', '=', queue_id).execute(),
      idempotency_keys: await db.selectFrom('idempotency_keys').selectAll().execute(),
    };
    assert.ok(rows.idempotency_keys.length >= 5);
    for (const [table, found] of Object.entries(rows)) {
      const text = found
        .flatMap((row) => Object.values(row))
        .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value)))
        .join('\n');
      for (const secret of secrets) assert.doesNotMatch(text, secret, table);
    }
    const personal = await db
      .selectFrom('personal')
      .selectAll()
      .where('queue_id', '=', queue_id)
      .execute();
    assert.match(JSON.stringify(personal), /Zebulon Quarkson/);
  });

  it('is forgotten after 24 hours, however many there are', async () => {
    const { db } = service;
    const clock = service.clock;
    const target_id = uuidToBytes(randomUUID());
    const rowsAt = (created_at: Date, count: number) =>
      Array.from({ length: count }, () => ({
        target_id,
        key_hash: Buffer.concat([uuidToBytes(randomUUID()), uuidToBytes(randomUUID())]),
        body_hash: Buffer.alloc(32),
        answer: 'null',
        created_at,
      }));
    const kept = async () =>
      (
        await db
          .selectFrom('idempotency_keys')
          .select('key_hash')
          .where('target_id', '=', target_id)
          .execute()
      ).length;
    const day = 24 * 60 * 60 * 1_000;
    const now = clock.now().getTime();
    await db
      .insertInto('idempotency_keys')
      .values(rowsAt(new Date(now - day), 1_500))
      .execute();
    await db
      .insertInto('idempotency_keys')
      .values(rowsAt(new Date(now - day + 1), 3))
      .execute();
    assert.equal(await sweepIdempotencyKeys({ db, clock }), 1_000);
    // Two instances at once.
    await Promise.all([1, 2].map(() => createHousekeeping(service.deps).sweep()));
    assert.equal(await kept(), 3);
  });

  it('joins a running sweep, and starts another one after it', async () => {
    const housekeeping = createHousekeeping(service.deps);
    const first = housekeeping.sweep();
    assert.equal(housekeeping.sweep(), first);
    await first;
    const second = housekeeping.sweep();
    assert.notEqual(second, first);
    let isDone = false;
    void second.then(() => {
      isDone = true;
    });
    await housekeeping.stop();
    assert.ok(isDone);
  });

  it('is run again after a deadlock', async () => {
    const { db, clock } = service;
    let attempts = 0;
    const request = {
      key: randomUUID(),
      caller: 'public',
      operationId: 'test',
      target: uuidToBytes(randomUUID()),
      body: null,
    };
    const deadlock = Object.assign(new Error('Deadlock found'), { code: 'ER_LOCK_DEADLOCK' });
    const answer = await once({ db, clock }, request, async () => {
      attempts += 1;
      if (attempts < 3) throw deadlock;
      return { result: { attempts }, events: [] };
    });
    assert.deepEqual(answer, { result: { attempts: 3 }, events: [] });
    await assert.rejects(
      once({ db, clock }, { ...request, key: null }, async () => {
        throw deadlock;
      }),
      (error) => (error as { code?: string }).code === 'unavailable',
    );
    await assert.rejects(
      once({ db, clock }, { ...request, key: randomUUID() }, async () => {
        throw problems.queueFull();
      }),
      (error) => (error as { code?: string }).code === 'queue-full',
    );
  });
});
