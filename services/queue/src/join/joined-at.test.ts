import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { limits } from '@queue-manager/contracts/values';
import { hourMs } from '@queue-manager/service-kit/durations';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { done, openLineOf } from '../parties/testing.ts';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('a party that joined while the network was away', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const ago = (seconds: number) =>
    new Date(service.clock.now().getTime() - seconds * 1_000).toISOString();
  const add = (queueId: string, as: string, joinedAt: string, body: object = {}, key?: string) =>
    service.add(queueId, as, { ...body, joinedAt }, key);

  /** Ten minutes after the last of a queue's parties joined, a minute apart, an hour after it was created. */
  async function openLate(count: number) {
    const line = await openLineOf(service, 0);
    const parties: Party[] = [];
    service.clock.advance(3_600);
    for (let index = 0; index < count; index += 1) {
      service.clock.advance(60);
      parties.push((await service.add(line.queueId, line.owner)).body);
    }
    service.clock.advance(600);
    return { ...line, parties };
  }

  it('stands behind those of its lane that joined before, and ahead of those that joined later', async () => {
    const line = await openLate(4);
    const { queueId, owner } = line;
    await service.add(queueId, owner, { lane: 'priority' });
    // Between the second and the third.
    const { status, body: party } = await add(queueId, owner, ago(690));
    assert.equal(status, 201);
    assert.deepEqual([party.joinedAt, party.position, party.quoted], [ago(690), 4, null]);
    // Of two at the same moment, the one that was sent first; before everybody; after everybody.
    await add(queueId, owner, ago(690));
    await add(queueId, owner, ago(900));
    await add(queueId, owner, ago(20));
    assert.deepEqual(await line.order(), [5, 8, 1, 2, 6, 7, 3, 4, 9]);
    // Those that join now stand at the end.
    await service.add(queueId, owner);
    await add(queueId, owner, ago(0));
    assert.deepEqual(await line.order(), [5, 8, 1, 2, 6, 7, 3, 4, 9, 10, 11]);
    await service.assertSound(queueId);
  });

  it('leaves moved parties where they were moved to, and counts those whose move was taken back', async () => {
    const line = await openLate(5);
    const { queueId, owner } = line;
    const [first, , , , last] = line.parties as [Party, Party, Party, Party, Party];
    done(await line.put(last, 1));
    await add(queueId, owner, ago(3_000));
    assert.deepEqual(await line.order(), [5, 6, 1, 2, 3, 4]);
    const { seq } = done(await line.put(first, 6));
    done(await service.move(first, 'undo', owner, undefined, { seq }));
    await add(queueId, owner, ago(2_900));
    assert.deepEqual(await line.order(), [5, 6, 7, 1, 2, 3, 4]);
    // Called and gone parties take no part, and return to their places.
    done(await service.move(line.parties[1] as Party, 'call', owner));
    await add(queueId, owner, ago(760));
    done(await service.move(line.parties[1] as Party, 'restore', owner));
    assert.deepEqual(await line.order(), [5, 6, 7, 1, 2, 8, 3, 4]);
    await service.assertSound(queueId);
  });

  it('is recorded with both times, and who added it', async () => {
    const { owner, queueId } = await openLate(1);
    const { body: party } = await add(queueId, owner, ago(300));
    const { data } = done(
      await service.call('GET', `/v1/parties/${party.id}/events`, { as: owner }),
    );
    assert.deepEqual(
      [data[0].type, data[0].time, data[0].party.joinedAt, data[0].actor.userId],
      ['party.joined', service.clock.now().toISOString(), ago(300), owner],
    );
  });

  it('counts its wait from when it joined', async () => {
    const { owner, queueId } = await openLate(0);
    const { body: party } = await add(queueId, owner, ago(300));
    service.clock.advance(60);
    done(await service.move(party, 'call', owner));
    const report = done(await service.call('GET', `/v1/queues/${queueId}/report`, { as: owner }));
    assert.deepEqual([report.joined, report.waits.p50, report.quoted.guests], [1, 360, 0]);
  });

  it('may come into a paused or full queue, not into a closed one', async () => {
    const { owner, queueId } = await openLate(1);
    await service.call('PATCH', `/v1/queues/${queueId}`, { as: owner, body: { maxWaiting: 1 } });
    assertProblem(await service.add(queueId, owner), 'queue-full');
    assert.equal((await add(queueId, owner, ago(300))).status, 201);
    await service.call('POST', `/v1/queues/${queueId}/pause`, { as: owner });
    assert.equal((await add(queueId, owner, ago(300))).status, 201);
    assertProblem(await add(queueId, owner, ago(5)), 'queue-paused');
    await service.call('POST', `/v1/queues/${queueId}/close`, { as: owner });
    assertProblem(await add(queueId, owner, ago(300)), 'queue-closed');
  });

  it('joined at most twelve hours ago, after the queue was created, and not in the future', async () => {
    const { owner, queueId } = await service.openLine();
    service.clock.advance(60);
    assert.deepEqual(assertProblem(await add(queueId, owner, ago(61)), 'validation-failed'), [
      'joinedAt',
    ]);
    assert.equal((await add(queueId, owner, ago(60))).status, 201);
    for (const [seconds, isNow] of [
      [-10, true],
      [10, true],
      [11, false],
    ] as const) {
      const { body } = await add(queueId, owner, ago(seconds));
      assert.equal(body.joinedAt, isNow ? service.clock.now().toISOString() : ago(seconds));
    }
    assertProblem(await add(queueId, owner, ago(-11)), 'validation-failed');
    assertProblem(await add(queueId, owner, 'yesterday'), 'validation-failed');
    service.clock.advance((limits.joinedAtHoursMax + 1) * 3_600);
    const max = limits.joinedAtHoursMax * 3_600;
    assertProblem(await add(queueId, owner, ago(max + 1)), 'validation-failed');
    assert.equal((await add(queueId, owner, ago(max))).status, 201);
  });

  it('is the same party when the request is repeated', async () => {
    const { owner, queueId } = await openLate(2);
    const at = ago(700);
    const first = await add(queueId, owner, at, {}, 'key-1');
    const again = await add(queueId, owner, at, {}, 'key-1');
    assert.equal(first.body.position, 1);
    assert.deepEqual(again.body, first.body);
  });

  it('is limited for an account within an hour', async () => {
    const { owner, queueId, venueId } = await openLate(0);
    const colleague = await service.member(venueId, 'host');
    const rows = Array.from({ length: limits.backdatedOfHourMax - 1 }, (_, index) => ({
      user_id: uuidToBytes(owner),
      party_id: Buffer.alloc(16, index),
      added_at: new Date(service.clock.now().getTime() - index),
    }));
    await service.db.insertInto('backdated_joins').values(rows).execute();
    assert.equal((await add(queueId, owner, ago(300))).status, 201);
    const refused = await add(queueId, owner, ago(300));
    assertProblem(refused, 'too-many-requests');
    const oldest = rows.at(-1)?.added_at.getTime() ?? 0;
    const wait = Math.ceil((oldest + hourMs - service.clock.now().getTime()) / 1_000);
    assert.equal(refused.headers['retry-after'], String(wait));
    assert.equal((await add(queueId, colleague, ago(300))).status, 201);
    assert.equal((await service.add(queueId, owner)).status, 201);
    service.clock.advance(wait);
    assert.equal((await add(queueId, owner, ago(300))).status, 201);
  });
});
