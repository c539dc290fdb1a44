import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { feedFirstMs } from '../line/line-event.ts';
import { type QueueService, startQueueService, testStart } from '../testing.ts';

describe('admit party', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('writes each value to its column', async () => {
    const { db, clock } = service;
    const { owner, venueId, queueId } = await service.openLine();
    const contacts = { name: 'Inês Ãvila 🎉', email: 'Ines@Example.com', phone: '+351912345678' };
    const { status, body } = await service.call('POST', `/v1/queues/${queueId}/parties`, {
      as: owner,
      body: { ...contacts, size: 5, lane: 'priority', notes: 'by the window', locale: 'pt-PT' },
      headers: { 'x-request-id': 'a-request' },
    });
    assert.equal(status, 201);

    const queue_id = uuidToBytes(queueId);
    const party_id = uuidToBytes(body.id);
    const only = async (table: 'parties' | 'personal') => {
      const rows = await db
        .selectFrom(table)
        .selectAll()
        .where('queue_id', '=', queue_id)
        .execute();
      return rows.at(-1);
    };
    const queue = await service.rowOf(queueId);
    assert.deepEqual(await only('parties'), {
      queue_id,
      id: party_id,
      number: 1,
      lane: 0,
      order_key: queue.tail_key,
      state: 'waiting',
      size: 5,
      source: 'staff',
      seq: 2,
      calls: 0,
      possible_duplicate: 0,
      joined_at: clock.now(),
      called_at: null,
      confirmed_at: null,
      seated_at: null,
      departed_at: null,
      ended_at: null,
      almost_there: 1,
      served_at: null,
      snoozes: 0,
    });
    assert.deepEqual(await only('personal'), {
      queue_id,
      party_id,
      name: contacts.name,
      name_key: 'ines avila 🎉',
      email: contacts.email,
      email_key: contacts.email.toLowerCase(),
      phone: contacts.phone,
      notes: 'by the window',
      locale: 'pt-PT',
    });
    assert.deepEqual(
      [queue.seq, queue.waiting, queue.called, queue.last_number, queue.number_day],
      [2, 1, 0, 1, testStart.slice(0, 10)],
    );
    const event = (await service.eventsOf(queueId)).at(-1);
    assert.deepEqual(
      [event?.seq, event?.type, event?.party_id, event?.time],
      [2, 'party.joined', party_id, clock.now()],
    );
    assert.deepEqual(
      [event?.relay_at, event?.request_id, event?.traceparent],
      [new Date(clock.now().getTime() + feedFirstMs), 'a-request', null],
    );
    const data = JSON.parse(event?.data ?? '');
    assert.deepEqual([data.venueId, data.queueId, data.party.partyId], [venueId, queueId, body.id]);
    await service.assertSound(queueId);
  });
});
