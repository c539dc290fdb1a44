import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import {
  assertProblem,
  publicUrl,
  type QueueService,
  startQueueService,
  testStart,
} from '../testing.ts';

describe('add party', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const get = (partyId: string, as: string) =>
    service.call('GET', `/v1/parties/${partyId}`, { as });

  it('fills in defaults for all fields but the name', async () => {
    const { owner, queueId } = await service.openLine();
    const { status, body } = await service.add(queueId, owner);
    assert.equal(status, 201);
    const { id, ticket, ...rest } = body;
    const estimate = { p10: 30, p50: 60, p90: 120, model: 'test-1', asOf: testStart };
    assert.deepEqual(rest, {
      queueId,
      number: 1,
      ticketUrl: `${publicUrl}/t/${ticket}`,
      name: 'Ana Lima',
      size: 1,
      lane: 'regular',
      orderKey: '8000',
      state: 'waiting',
      email: null,
      phone: null,
      notes: null,
      source: 'staff',
      seq: 2,
      position: 1,
      estimate,
      quoted: estimate,
      joinedAt: testStart,
      calledAt: null,
      callExpiresAt: null,
      confirmedAt: null,
      seatedAt: null,
      departedAt: null,
      endedAt: null,
      calls: 0,
      possibleDuplicate: false,
      notifications: [],
    });
    assert.deepEqual((await get(id, owner)).body, body);
  });

  it('keeps every field of the request', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const host = await service.member(venueId, 'host');
    const { status, body } = await service.add(queueId, host, {
      name: '  José Ñandú 🦤 ',
      size: 4,
      lane: 'priority',
      email: 'Jose@Example.com',
      phone: '912-345-678',
      notes: 'High chair\nWindow',
      locale: 'pt-PT',
    });
    assert.equal(status, 201);
    assert.partialDeepStrictEqual(body, {
      name: 'José Ñandú 🦤',
      size: 4,
      lane: 'priority',
      email: 'Jose@Example.com',
      phone: '+351912345678',
      notes: 'High chair\nWindow',
    });
    assert.deepEqual((await get(body.id, owner)).body, body);
  });

  it('refuses invalid fields by name and adds nothing', async () => {
    const { owner, queueId } = await service.openLine({ maxPartySize: 6 });
    const refused: [object, string][] = [
      [{ name: undefined }, 'name'],
      [{ name: 'x'.repeat(81) }, 'name'],
      [{ name: 'a\u202eb' }, 'name'],
      [{ size: 0 }, 'size'],
      [{ size: 2.5 }, 'size'],
      [{ size: 101 }, 'size'],
      [{ size: '2' }, 'size'],
      [{ lane: 'vip' }, 'lane'],
      [{ email: 'nobody' }, 'email'],
      [{ phone: 'call me' }, 'phone'],
      [{ notes: 'x'.repeat(1_001) }, 'notes'],
      [{ locale: 'xx_yy!' }, 'locale'],
      [{ position: 1 }, 'position'],
      [{ state: 'called' }, 'state'],
    ];
    for (const [body, path] of refused) {
      const answer = await service.add(queueId, owner, body);
      assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
    }
    const tooLarge = await service.add(queueId, owner, { size: 7 });
    assert.deepEqual(assertProblem(tooLarge, 'party-too-large'), ['size']);
    assert.equal((await service.eventsOf(queueId)).length, 1);
    assert.equal((await service.add(queueId, owner, { size: 6 })).body.number, 1);
    await service.assertSound(queueId);
  });

  it('refuses a party while the queue is full, paused or closed', async () => {
    const { owner, queueId } = await service.openLine({ maxWaiting: 2 });
    const { body: first } = await service.add(queueId, owner);
    await service.add(queueId, owner);
    assertProblem(await service.add(queueId, owner), 'queue-full');
    // Whoever is called waits no longer.
    await service.move(first, 'call', owner);
    assert.equal((await service.add(queueId, owner)).status, 201);
    for (const [turn, refusal] of [
      ['pause', 'queue-paused'],
      ['close', 'queue-closed'],
    ] as const) {
      await service.call('POST', `/v1/queues/${queueId}/${turn}`, { as: owner });
      assertProblem(await service.add(queueId, owner), refusal);
    }
    await service.assertSound(queueId);
  });

  it('starts the numbers over on each business day of the venue', async () => {
    const { owner, queueId } = await service.openLine({}, { timezone: 'America/New_York' });
    const joined: Party[] = [];
    const joinAt = async (time: string) => {
      service.clock.set(time);
      joined.push((await service.add(queueId, owner)).body);
      if (joined.length < 3) await service.move(joined.at(-1) as Party, 'seat', owner);
      return joined.at(-1)?.number;
    };
    // 04:59 and 05:00 on the wall are 09:59 and 10:00 in UTC.
    assert.deepEqual(
      [
        await joinAt('2026-11-20T23:00:00Z'),
        await joinAt('2026-11-21T04:30:00Z'),
        await joinAt('2026-11-21T09:59:59Z'),
        await joinAt('2026-11-21T10:00:00Z'),
        await joinAt('2026-11-21T10:00:01Z'),
      ],
      [1, 2, 3, 1, 2],
    );
    // The line goes on in the order of joining.
    const numbers = (await service.listAll(queueId, owner)).map(({ number }) => number);
    assert.deepEqual(numbers, [3, 1, 2]);
    service.clock.set(testStart);
  });
});
