import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  assertProblem,
  publicUrl,
  type QueueService,
  startQueueService,
  testStart,
} from '../testing.ts';

describe('join queue', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const ticketOf = (ticket: string) => service.call('GET', `/v1/tickets/${ticket}`);
  const leave = (ticket: string) => service.call('POST', `/v1/tickets/${ticket}/leave`);
  const patchQueue = (queueId: string, as: string, body: object) =>
    service.call('PATCH', `/v1/queues/${queueId}`, { as, body });
  const onlyParty = async (queueId: string, as: string) =>
    (await service.listAll(queueId, as)).at(-1);

  it('adds a guest with a name only, or with all fields', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    const first = await service.join(joinCode);
    assert.equal(first.status, 201);
    const { ticket, ...rest } = first.body;
    assert.match(ticket, /^[\w-]{66}$/);
    assert.deepEqual(rest, {
      ticketUrl: `${publicUrl}/t/${ticket}`,
      number: 1,
      position: 1,
      estimate: { p10: 30, p50: 60, p90: 120, model: 'test-1', asOf: testStart },
    });
    const second = await service.join(joinCode, {
      size: 3,
      email: 'rui@example.com',
      phone: '(351) 912.345.678',
      locale: 'pt',
    });
    assert.deepEqual([second.status, second.body.number, second.body.position], [201, 2, 2]);
    const party = await onlyParty(queueId, owner);
    assert.partialDeepStrictEqual(party, {
      ticket: second.body.ticket,
      name: 'Rui Gomes',
      size: 3,
      lane: 'regular',
      email: 'rui@example.com',
      phone: '+351912345678',
      notes: null,
      source: 'guest',
      quoted: second.body.estimate,
    });
  });

  it('refuses invalid fields, fields for staff, an invalid key and an unknown code', async () => {
    const { owner, queueId, joinCode } = await service.openLine({ maxPartySize: 4 });
    for (const [body, path] of [
      [{ name: '' }, 'name'],
      [{ name: '\u200b' }, 'name'],
      [{ name: '\u{e0020}' }, 'name'],
      [{ name: '\ud83d' }, 'name'],
      [{ size: 0 }, 'size'],
      [{ email: 'x@' }, 'email'],
      [{ phone: '12' }, 'phone'],
      [{ phone: '020 7946 0958' }, 'phone'],
      [{ locale: 'x y' }, 'locale'],
      [{ lane: 'priority' }, 'lane'],
      [{ notes: 'by the window' }, 'notes'],
    ] as const) {
      assert.deepEqual(assertProblem(await service.join(joinCode, body), 'validation-failed'), [
        path,
      ]);
    }
    const tooLarge = await service.join(joinCode, { size: 5 });
    assert.deepEqual(assertProblem(tooLarge, 'party-too-large'), ['size']);
    const badKey = await service.join(joinCode, {}, 'not-a-uuid');
    assert.deepEqual(assertProblem(badKey, 'validation-failed'), ['Idempotency-Key']);
    assertProblem(await service.join('AAAAAAAAAA'), 'not-found');
    assert.deepEqual(await service.listAll(queueId, owner), []);
  });

  it('refuses guests while the queue is full, paused, closed or without self-join', async () => {
    const { owner, queueId, joinCode } = await service.openLine({ maxWaiting: 1 });
    assert.equal((await service.join(joinCode)).status, 201);
    assertProblem(await service.join(joinCode), 'queue-full');
    await patchQueue(queueId, owner, { maxWaiting: null });
    for (const [turn, refusal] of [
      ['pause', 'queue-paused'],
      ['close', 'queue-closed'],
    ] as const) {
      await service.call('POST', `/v1/queues/${queueId}/${turn}`, { as: owner });
      assertProblem(await service.join(joinCode), refusal);
      const page = await service.call('GET', `/v1/join/${joinCode}`);
      assert.deepEqual([page.status, page.body.estimate], [200, null]);
    }
    await service.call('POST', `/v1/queues/${queueId}/open`, { as: owner });
    await patchQueue(queueId, owner, { selfJoin: false });
    assertProblem(await service.join(joinCode), 'self-join-off');
    const page = await service.call('GET', `/v1/join/${joinCode}`);
    assert.deepEqual([page.status, page.body.selfJoin], [200, false]);
    assert.equal((await service.add(queueId, owner)).status, 201, 'staff still add');
    await service.assertSound(queueId);
  });

  it('marks possible duplicates for staff only', async () => {
    const { owner, queueId, joinCode } = await service.openLine();
    await service.add(queueId, owner, { name: 'Other', email: 'other@example.com' });
    await service.join(joinCode, { name: 'Mail', email: 'Rui@Example.com' });
    await service.join(joinCode, { name: 'Phone', phone: '+351 912 345 678' });
    await service.add(queueId, owner, { name: 'Added', email: 'ana@example.com' });
    const { body: gone } = await service.join(joinCode, {
      name: 'Gone',
      email: 'gone@example.com',
    });
    await leave(gone.ticket);
    const marked = async () =>
      (await service.listAll(queueId, owner))
        .filter(({ possibleDuplicate }) => possibleDuplicate)
        .map(({ name }) => name);
    assert.deepEqual(await marked(), []);

    const plain = await service.join(joinCode, { name: 'Nobody known', email: 'new@example.com' });
    for (const [given, names] of [
      [{ name: 'Mail again', email: 'rui@example.com' }, ['Mail', 'Mail again']],
      [{ name: 'Phone again', phone: '+351-912-345-678' }, ['Phone', 'Phone again']],
      [{ name: 'Local', phone: '912 345 678' }, ['Local']],
      [{ name: 'Both', email: 'ANA@example.com', phone: '+351912345678' }, ['Added', 'Both']],
      [{ name: 'Gone again', email: 'gone@example.com' }, []],
    ] as const) {
      const before = await marked();
      const { status, body } = await service.join(joinCode, given);
      assert.equal(status, 201);
      assert.deepEqual(Object.keys(body).sort(), Object.keys(plain.body).sort());
      const view = await ticketOf(body.ticket);
      assert.ok(!('possibleDuplicate' in view.body));
      assert.deepEqual(new Set(await marked()), new Set([...before, ...names]));
    }
    // Staff who add someone a second time know what they do.
    await service.add(queueId, owner, { name: 'By hand', email: 'new@example.com' });
    assert.ok(!(await marked()).includes('By hand'));
    await service.assertSound(queueId);
  });
});
