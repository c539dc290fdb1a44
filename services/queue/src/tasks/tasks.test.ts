import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Task } from '@queue-manager/contracts/tasks';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createHousekeeping } from '../housekeeping.ts';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';
import { createAlertLedger } from './alert-ledger.ts';
import { insertTask, tasksOf } from './testing.ts';

describe('tasks as a manager sees them', () => {
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
  const retry = (taskId: string, as: string, key?: string) =>
    service.call('POST', `/v1/tasks/${taskId}/retry`, {
      as,
      ...(key === undefined ? {} : { key }),
    });
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

  it('show what is to be known, and no more', async () => {
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

  it('are listed latest first, page by page, by state and by kind', async () => {
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

  it('are for managers of the venue', async () => {
    const { venueId, owner, manager, host } = await venue();
    const stranger = (await venue()).owner;
    const taskId = await insertTask(service, venueId, { state: 'failed' });
    assert.equal((await list(venueId, owner)).status, 200);
    assertProblem(await list(venueId, host), 'forbidden');
    assertProblem(await list(venueId, stranger), 'not-found');
    assertProblem(await retry(taskId, host), 'forbidden');
    assertProblem(await retry(taskId, stranger), 'not-found');
    assertProblem(await retry(newId(service.clock), manager), 'not-found');
    await service.call('DELETE', `/v1/venues/${venueId}`, { as: owner });
    assertProblem(await retry(taskId, owner), 'not-found');
  });

  it('that failed are put back to be run now, each by itself', async () => {
    const { venueId, manager } = await venue();
    const failed = { state: 'failed', attempts: 2, last_error: '550 No' } as const;
    const [one, other] = [
      await insertTask(service, venueId, { ...failed, kind: 'notify.called' }),
      await insertTask(service, venueId, failed),
    ];
    service.clock.advance(60);
    let woken = 0;
    service.deps.wakeDispatcher = () => {
      woken += 1;
    };
    const { status, body } = await retry(one, manager);
    assert.equal(status, 200);
    const now = service.clock.now().toISOString();
    assert.deepEqual(body, {
      id: one,
      kind: 'notify.called',
      partyId: null,
      state: 'scheduled',
      attempts: 2,
      lastError: '550 No',
      runAt: now,
      updatedAt: now,
    });
    assert.equal(woken, 1);
    const rows = await tasksOf(service, { venueId });
    const rowOf = (id: string) => rows.find((row) => row.id.equals(uuidToBytes(id)));
    assert.deepEqual(
      [rowOf(one)?.state, rowOf(one)?.attempts, rowOf(one)?.generation],
      ['scheduled', 2, 1],
    );
    assert.deepEqual([rowOf(other)?.state, rowOf(other)?.generation], ['failed', 0]);
  });

  for (const state of ['scheduled', 'running', 'done'] as const) {
    it(`that are ${state} are not`, async () => {
      const { venueId, manager } = await venue();
      const taskId = await insertTask(service, venueId, { state });
      assertProblem(await retry(taskId, manager), 'task-not-failed');
    });
  }

  it('are put back once, however often one request is repeated', async () => {
    const { venueId, manager } = await venue();
    const taskId = await insertTask(service, venueId, { state: 'failed' });
    const key = newId(service.clock);
    const answers = await Promise.all([1, 2, 3].map(() => retry(taskId, manager, key)));
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, answers[0]?.body);
    }
    const [row] = await tasksOf(service, { venueId });
    assert.equal(row?.generation, 1);
    // Two managers at once: one does it, the other hears that there is nothing to do.
    const second = await insertTask(service, venueId, { state: 'failed' });
    const both = await Promise.all([retry(second, manager), retry(second, manager)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
  });

  it('show on the party as its notifications', async () => {
    const { owner, queueId } = await venue();
    const { body: party } = await service.add(queueId, owner, { email: 'ana@example.com' });
    const joinedAt = service.clock.now().toISOString();
    assert.deepEqual(party.notifications, [
      { channel: 'email', kind: 'notify.joined', state: 'scheduled', at: joinedAt },
    ]);
    service.clock.advance(60);
    const { body: called } = await service.move(party, 'call', owner);
    const calledAt = service.clock.now().toISOString();
    await service.db
      .updateTable('tasks')
      .set({ state: 'failed' })
      .where('kind', '=', 'notify.joined')
      .where('party_id', '=', uuidToBytes(party.id))
      .execute();
    const expected = [
      { channel: 'email', kind: 'notify.joined', state: 'failed', at: joinedAt },
      { channel: 'email', kind: 'notify.called', state: 'scheduled', at: calledAt },
    ];
    assert.equal(called.notifications.length, 2);
    const { body: quiet } = await service.add(queueId, owner, {});
    const listed = await service.listAll(queueId, owner);
    assert.deepEqual(listed.find(({ id }) => id === party.id)?.notifications, expected);
    assert.deepEqual(listed.find(({ id }) => id === quiet.id)?.notifications, []);
    const { body: shown } = await service.call('GET', `/v1/parties/${party.id}`, { as: owner });
    assert.deepEqual(shown.notifications, expected);
  });

  it('are forgotten 30 days after they were done; those that failed are not', async () => {
    const { venueId } = await venue();
    const housekeeping = createHousekeeping(service.deps);
    // Housekeeping plans work of another kind.
    const kind = 'call.expire';
    const old = { kind, run_at: service.clock.now() };
    for (const state of ['done', 'failed', 'scheduled'] as const) {
      await insertTask(service, venueId, { ...old, state });
    }
    service.clock.advance(30 * 86_400 - 1);
    await housekeeping.sweep();
    assert.equal((await tasksOf(service, { venueId, kind })).length, 3);
    service.clock.advance(1);
    await insertTask(service, venueId, { kind, state: 'done' });
    await housekeeping.sweep();
    const left = (await tasksOf(service, { venueId, kind })).map(({ state }) => state);
    assert.deepEqual(left.sort(), ['done', 'failed', 'scheduled']);
  });
});

describe('the ledger of alerts', () => {
  let service: QueueService;

  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('lets one instance alone raise an alert, again after an hour, when it did not, or when emptied', async () => {
    const ledgers = Array.from({ length: 5 }, () => createAlertLedger(service.db));
    const claims = async (queue: 'mails' | 'tasks' = 'mails') => {
      const now = service.clock.now();
      const granted = await Promise.all(ledgers.map((ledger) => ledger.claim(queue, now)));
      return granted.filter(Boolean).length;
    };
    assert.equal(await claims(), 1);
    assert.equal(await claims(), 0);
    assert.equal(await claims('tasks'), 1);
    // Whoever claimed it is gone without having raised it.
    service.clock.advance(59);
    assert.equal(await claims(), 0);
    service.clock.advance(1);
    assert.equal(await claims(), 1);
    assert.equal(await claims(), 0);
    await ledgers[0]?.raised('mails', service.clock.now());
    service.clock.advance(3_599);
    assert.equal(await claims(), 0);
    service.clock.advance(1);
    assert.equal(await claims(), 1);
    assert.equal(await claims(), 0);
    await Promise.all(ledgers.map((ledger) => ledger.emptied('mails')));
    assert.equal(await claims(), 1);
  });
});
