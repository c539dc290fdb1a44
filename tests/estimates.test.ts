import assert from 'node:assert/strict';
import { it } from 'node:test';
import { getJoinPage, joinQueue } from '@queue-manager/contracts/guests';
import { addParty, callNext } from '@queue-manager/contracts/parties';
import { getBoard, getPosition } from '@queue-manager/contracts/positions';
import { getReport } from '@queue-manager/contracts/reports';
import { until } from '@queue-manager/service-kit/testing';
import { openQueueOf, openVenue } from './support/lines.ts';
import { succeed } from './support/system.ts';

it('estimates learn from a fast queue, appear on every route, and quotes are judged in the report', async () => {
  const venue = await openVenue('The Fast Lane');
  const { token } = venue.owner;
  const queue = await openQueueOf(venue);
  const queueId = queue.id;
  const guests = [];
  for (let count = 0; count < 30; count += 1) {
    guests.push(await succeed(addParty, { token, params: { queueId }, body: { name: 'Ana' } }));
  }
  const last = guests.at(-1);
  assert.ok(last);
  const { ticket } = last;
  const told = () => succeed(getPosition, { params: { ticket } });
  const before = await told();
  assert.ok(before.estimate);
  assert.deepEqual([before.position, before.estimate.p50 > 0], [30, true]);

  // With a call every few milliseconds, a party with five ahead does not wait for minutes.
  for (let count = 0; count < 24; count += 1) {
    await succeed(callNext, { token, params: { queueId } });
  }
  const learned = await until('the line is learned', async () => {
    const { position, estimate } = await told();
    return position === 6 && estimate !== null && estimate.p50 < 120 ? estimate : null;
  });
  assert.ok(learned.p10 <= learned.p50 && learned.p50 <= learned.p90);
  const { joinCode } = queue;
  const page = await succeed(getJoinPage, { params: { joinCode } });
  const board = await succeed(getBoard, { params: { queueId } });
  const joined = await succeed(joinQueue, { params: { joinCode }, body: { name: 'Rui' } });
  for (const { estimate } of [page, board, joined]) {
    // Null in the one answer that did not wait for the position service.
    if (estimate === null) continue;
    assert.equal(estimate.model, learned.model);
    assert.ok(estimate.p50 < 240);
  }

  const { quoted } = await succeed(getReport, { token, params: { queueId }, query: {} });
  assert.ok(quoted.guests <= 24);
  assert.ok(quoted.maeSeconds === null || quoted.maeSeconds >= 0);
});
