import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { queueInId, queuesOfIdMax, readVenueEventId, venueEventId } from './venue-event-id.ts';

describe('the event id of a venue', () => {
  const venueId = randomUUID();
  const idOf = (seqs: Iterable<readonly [string, number]>) =>
    venueEventId(
      venueId,
      Array.from(seqs, ([queueId, seq]) => queueInId(queueId, seq)),
    );

  it('holds the last event of each queue', () => {
    for (const count of [0, 1, 5]) {
      const seqs = Array.from({ length: count }, (_, at) => [randomUUID(), 10 ** at] as const);
      const read = readVenueEventId(venueId, idOf(seqs));
      assert.deepEqual(read, { seqs: new Map(seqs), isFull: false });
    }
  });

  it('leaves out the queues that have not changed for longest, so that it fits a header', () => {
    const seqs = Array.from({ length: queuesOfIdMax + 1 }, () => [randomUUID(), 1e9] as const);
    const id = idOf(seqs);
    assert.ok(id.length < 5_000);
    assert.match(id, /^[\w.-]+$/);
    assert.deepEqual(readVenueEventId(venueId, id), {
      seqs: new Map(seqs.slice(1)),
      isFull: true,
    });
  });

  it('is ignored if it is malformed or of another venue', () => {
    const id = idOf([[randomUUID(), 7]]);
    assert.equal(readVenueEventId(randomUUID(), id), null);
    const queue = id.split('.')[2] as string;
    for (const wrong of [
      undefined,
      [id, id],
      '',
      '7',
      `2${id.slice(1)}`,
      `${id}.`,
      `${id}.x`,
      `${id}-`,
      `${id}${'9'.repeat(20)}`,
      id + `.${queue}`.repeat(queuesOfIdMax),
    ]) {
      assert.equal(readVenueEventId(venueId, wrong), null, String(wrong));
    }
  });
});
