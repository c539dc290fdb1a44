import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { HistoryEvent } from '@queue-manager/contracts/history';
import { newId } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('get line events', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const headers = { [credentialHeader]: testCredential };
  const get = (url: string) => service.call('GET', url, { headers });

  it('returns the events after a sequence number, oldest first, also of a deleted queue', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const { body: ana } = await service.add(queueId, owner, { name: 'Ana', notes: 'Secret' });
    await service.add(queueId, owner);
    const reason = 'Their table is free';
    await service.move(ana, 'call', owner, undefined, { reason });
    const told = async (query: string) => {
      const { status, body } = await get(`/internal/queues/${queueId}/events?${query}`);
      assert.equal(status, 200);
      return body.events;
    };
    const { body: listed } = await service.call('GET', `/v1/queues/${queueId}/events`, {
      as: owner,
    });
    // The names of the staff are for people alone.
    const events = listed.data.map((event: object) => {
      const { actorName: _, ...others } = event as { actorName: unknown };
      return others;
    });
    assert.deepEqual(await told('after=0'), events);
    assert.deepEqual(
      listed.data.map(({ seq, reason }: HistoryEvent) => [seq, reason]),
      [
        [1, null],
        [2, null],
        [3, null],
        [4, reason],
      ],
    );
    assert.deepEqual(await told('after=1&limit=2'), events.slice(1, 3));
    assert.deepEqual(await told('after=4'), []);
    assert.deepEqual(await told('after=99'), []);

    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assert.equal((await told('after=0')).at(-1).queue.deleted, true);
    for (const wrong of [
      `/internal/queues/${newId(service.clock)}/events?after=0`,
      // The `venue.deleted` event is stored under the venue's id; it is no queue event.
      `/internal/queues/${venueId}/events?after=0`,
    ]) {
      assertProblem(await get(wrong), 'not-found');
    }
    for (const query of ['', 'after=-1', 'after=x', 'after=0&limit=0', 'after=0&limit=1001']) {
      const url = `/internal/queues/${queueId}/events?${query}`;
      assertProblem(await get(url), 'validation-failed');
    }
  });
});
