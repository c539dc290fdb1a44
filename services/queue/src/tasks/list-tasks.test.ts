import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Task } from '@queue-manager/contracts/tasks';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { insertTask } from './testing.ts';

describe('list tasks', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  async function venue() {
    const line = await service.openLine();
    return {
      ...line,
      manager: await service.member(line.venueId, 'manager'),
      host: await service.member(line.venueId, 'host'),
    };
  }
  const list = (venueId: string, as: string, query = '') =>
    service.call('GET', `/v1/venues/${venueId}/tasks${query}`, { as });
  const idsIn = (answer: { body: { data: Task[] } }) => answer.body.data.map(({ id }) => id);
  async function everyPage(venueId: string, as: string, query: string): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const answer = await list(venueId, as, `?limit=3${query}${after}`);
      assert.equal(answer.status, 200);
      ids.push(...idsIn(answer));
      cursor = answer.body.nextCursor;
    }
    return ids;
  }

  it('returns exactly the fields of the contract', async () => {
    const { owner, queueId, venueId, manager } = await venue();
    const { body: party } = await service.add(queueId, owner, { email: 'ana@example.com' });
    const { status, body } = await list(venueId, manager);
    assert.equal(status, 200);
    const now = service.clock.now().toISOString();
    assert.deepEqual(body, {
      data: [
        {
          id: body.data[0].id,
          kind: 'notify.joined',
          partyId: party.id,
          state: 'scheduled',
          attempts: 0,
          lastError: null,
          runAt: now,
          updatedAt: now,
        },
      ],
      nextCursor: null,
    });
  });

  it('lists latest first, page by page, filtered by state and kind', async () => {
    const { venueId, manager } = await venue();
    const other = await venue();
    const made: { id: string; kind: string; state: string }[] = [];
    for (let index = 0; index < 20; index += 1) {
      service.clock.advance(1);
      const kind = index % 2 === 0 ? 'notify.called' : 'call.expire';
      const state = (['scheduled', 'running', 'done', 'failed'] as const)[index % 4] ?? 'done';
      const task = { kind, state, run_at: new Date(0) };
      made.unshift({ id: await insertTask(service, venueId, task), kind, state });
      await insertTask(service, other.venueId, task);
    }
    const expected = (kind?: string, state?: string) =>
      made
        .filter((task) => kind === undefined || task.kind === kind)
        .filter((task) => state === undefined || task.state === state)
        .map(({ id }) => id);
    assert.deepEqual(await everyPage(venueId, manager, ''), expected());
    for (const state of ['scheduled', 'running', 'done', 'failed']) {
      assert.deepEqual(
        await everyPage(venueId, manager, `&state=${state}`),
        expected(undefined, state),
      );
      assert.deepEqual(
        await everyPage(venueId, manager, `&state=${state}&kind=notify.called`),
        expected('notify.called', state),
      );
    }
    assert.deepEqual(
      await everyPage(venueId, manager, '&kind=call.expire'),
      expected('call.expire'),
    );
    assert.deepEqual(await everyPage(venueId, manager, '&kind=no.such'), []);
    assert.deepEqual(
      assertProblem(await list(venueId, manager, '?state=lost'), 'validation-failed'),
      ['state'],
    );
    assert.deepEqual(
      assertProblem(await list(venueId, manager, '?cursor=x'), 'validation-failed'),
      ['cursor'],
    );
  });
});
