import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('update party', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const get = (partyId: string, as: string) =>
    service.call('GET', `/v1/parties/${partyId}`, { as });
  const patch = (partyId: string, as: string, body: object) =>
    service.call('PATCH', `/v1/parties/${partyId}`, { as, body });
  const list = (queueId: string, as: string, query = '') =>
    service.call('GET', `/v1/queues/${queueId}/parties${query}`, { as });

  it('changes the fields of the request, clears those that are null, and records an event only for a difference', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: party } = await service.add(queueId, owner, {
      email: 'ana@example.com',
      phone: '+351912345678',
      notes: 'Window',
    });
    const changes = {
      name: 'Ana Sousa',
      size: 3,
      email: 'sousa@example.com',
      phone: '900 000 000',
      notes: 'Terrace',
    };
    const changed = await patch(party.id, owner, changes);
    assert.equal(changed.status, 200);
    const expected = { ...party, ...changes, phone: '+351900000000', seq: 3 };
    assert.deepEqual(changed.body, expected);
    assert.deepEqual((await get(party.id, owner)).body, expected);

    for (const same of [{}, changes, { size: 3 }, { name: 'Ana Sousa' }]) {
      const answer = await patch(party.id, owner, same);
      assert.deepEqual([answer.status, answer.body], [200, expected]);
    }
    assert.equal((await service.eventsOf(queueId)).length, 3);

    const cleared = await patch(party.id, owner, { email: null, phone: null, notes: null });
    assert.deepEqual(cleared.body, {
      ...expected,
      email: null,
      phone: null,
      notes: null,
      seq: 4,
    });
    assert.deepEqual(
      (await service.eventsOf(queueId)).map(({ type }) => type),
      ['queue.changed', 'party.joined', 'party.changed', 'party.changed'],
    );
    // Found by the new name, not by the old one.
    assert.equal((await list(queueId, owner, '?q=ana s')).body.data.length, 1);
    assert.equal((await list(queueId, owner, '?q=ana l')).body.data.length, 0);
    await service.assertSound(queueId);
  });

  it('refuses invalid fields', async () => {
    const { owner, queueId } = await service.openLine({ maxPartySize: 6 });
    const { body: party } = await service.add(queueId, owner, { size: 6 });
    for (const [body, path] of [
      [{ name: null }, 'name'],
      [{ name: ' ' }, 'name'],
      [{ size: null }, 'size'],
      [{ email: 'x' }, 'email'],
      [{ lane: 'priority' }, 'lane'],
      [{ state: 'seated' }, 'state'],
    ] as const) {
      const answer = await patch(party.id, owner, body);
      assert.deepEqual(assertProblem(answer, 'validation-failed'), [path]);
    }
    const tooLarge = await patch(party.id, owner, { size: 7, name: 'Rita' });
    assert.deepEqual(assertProblem(tooLarge, 'party-too-large'), ['size']);
    assert.deepEqual((await get(party.id, owner)).body, party);

    // A size that was taken once stays, whatever the queue takes today.
    await service.call('PATCH', `/v1/queues/${queueId}`, {
      as: owner,
      body: { maxPartySize: 4 },
    });
    const renamed = await patch(party.id, owner, { name: 'Rita', size: 6 });
    assert.deepEqual([renamed.status, renamed.body.name], [200, 'Rita']);
    assertProblem(await patch(party.id, owner, { size: 5 }), 'party-too-large');
    assert.equal((await patch(party.id, owner, { size: 4 })).status, 200);
    await service.assertSound(queueId);
  });

  it('changes parties in any state and keeps their place', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: first } = await service.add(queueId, owner);
    await service.add(queueId, owner);
    assert.equal((await patch(first.id, owner, { size: 5 })).body.position, 1);
    await service.move(first, 'seat', owner);
    const { body } = await patch(first.id, owner, { size: 6 });
    assert.deepEqual([body.state, body.size], ['seated', 6]);
    await service.assertSound(queueId);
  });
});
