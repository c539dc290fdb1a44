import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type EventOf, makeEvent } from '@queue-manager/contracts/events';
import type { Party } from '@queue-manager/contracts/parties';
import { type Consumer, createConsumer } from '@queue-manager/events/consume';
import { createPublisher, type Publisher } from '@queue-manager/events/publish';
import { createTaskReporter } from '@queue-manager/events/report-task';
import { type TestQueues, testQueues } from '@queue-manager/events/testing';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { testLogger, until } from '@queue-manager/service-kit/testing';
import { type QueueService, startQueueService } from '../testing.ts';
import type { DueTask } from './kind.ts';
import { onTaskDeadLetter, onTaskDue } from './on-task-due.ts';
import { onTaskFinished } from './on-task-finished.ts';
import { insertTask, refOf, takeEvents, tasksOf, testDispatcher } from './testing.ts';

describe('task.due', () => {
  let service: QueueService;
  let broker: TestQueues;
  let publisher: Publisher;
  const running: { stop(): Promise<void> }[] = [];

  before(async () => {
    service = await startQueueService();
    broker = await testQueues();
    publisher = createPublisher(broker);
  });
  after(async () => {
    await broker.drop();
    await service.stop();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
    for (const queue of ['tasks', 'task-results'] as const) await takeEvents(broker, queue);
    await service.db.deleteFrom('tasks').execute();
  });

  const reporterOver = (over: Publisher) =>
    createTaskReporter({ publisher: over, clock: service.clock, source: '/queue' });

  async function calledParty(callGraceSeconds = 60) {
    const line = await service.openLine({ callGraceSeconds });
    const party: Party = (await service.add(line.queueId, line.owner, {})).body;
    await service.move(party, 'call', line.owner);
    return { ...line, party };
  }

  /** The `task.due` event of a party's last `call.expire`. */
  async function callExpire(
    { venueId, queueId, party }: { venueId: string; queueId: string; party: Party },
    over: Partial<DueTask> = {},
  ): Promise<EventOf<'task.due'>> {
    const task = (await tasksOf(service, { partyId: party.id, kind: 'call.expire' })).at(-1);
    return dueEvent({
      task: refOf(venueId, task === undefined ? newId(service.clock) : bytesToUuid(task.id)),
      kind: 'call.expire',
      queueId,
      partyId: party.id,
      payload: task === undefined ? { calls: 1 } : JSON.parse(task.payload),
      ...over,
    });
  }
  const dueEvent = (data: DueTask) =>
    makeEvent({
      id: newId(service.clock),
      source: '/queue',
      type: 'task.due',
      subject: data.task.taskId,
      time: service.clock.now().toISOString(),
      data,
    });

  const reports = () => takeEvents<EventOf<'task.finished'>>(broker, 'task-results');
  const partyOf = async (party: Party, owner: string): Promise<Party> =>
    (await service.call('GET', `/v1/parties/${party.id}`, { as: owner })).body;

  it('call.expire turns an unanswered call into a no-show and reports it', async () => {
    const line = await calledParty();
    const event = await callExpire(line);
    service.clock.advance(60);
    await onTaskDue(service.deps, reporterOver(publisher))(event);
    const party = await partyOf(line.party, line.owner);
    assert.equal(party.state, 'no_show');
    assert.equal(party.endedAt, service.clock.now().toISOString());
    const last = (await service.eventsOf(line.queueId)).at(-1);
    assert.equal(last?.type, 'party.no-show');
    const { actor } = JSON.parse(last?.data ?? '');
    assert.deepEqual(actor, { kind: 'system' });
    const { text } = await service.db
      .selectFrom('reasons')
      .select('text')
      .where('queue_id', '=', uuidToBytes(line.queueId))
      .where('seq', '=', last?.seq ?? 0)
      .executeTakeFirstOrThrow();
    assert.equal(text, 'The call was not answered');
    assert.deepEqual(
      (await reports()).map(({ data }) => data),
      [{ task: event.data.task, outcome: 'done', error: null }],
    );
    await service.assertSound(line.queueId);
  });

  it('call.expire is idempotent, also concurrently', async () => {
    const line = await calledParty();
    const event = await callExpire(line);
    const handle = onTaskDue(service.deps, reporterOver(publisher));
    await Promise.all([handle(event), handle(event)]);
    await handle(event);
    const types = (await service.eventsOf(line.queueId)).map(({ type }) => type);
    assert.equal(types.filter((type) => type === 'party.no-show').length, 1);
    assert.equal((await reports()).length, 3);
  });

  for (const how of ['seat', 'leave', 'remove', 'no-show']) {
    it(`call.expire leaves a party alone after ${how}`, async () => {
      const line = await calledParty();
      const event = await callExpire(line);
      await service.move(line.party, how, line.owner);
      const before = await service.eventsOf(line.queueId);
      await onTaskDue(service.deps, reporterOver(publisher))(event);
      assert.deepEqual(await service.eventsOf(line.queueId), before);
      assert.equal((await reports())[0]?.data.outcome, 'done');
    });
  }

  it('call.expire of an earlier call does nothing after a recall', async () => {
    const line = await calledParty();
    const first = await callExpire(line);
    await service.move(line.party, 'call', line.owner);
    const handle = onTaskDue(service.deps, reporterOver(publisher));
    await handle(first);
    assert.equal((await partyOf(line.party, line.owner)).state, 'called');
    await handle(await callExpire(line));
    assert.equal((await partyOf(line.party, line.owner)).state, 'no_show');
  });

  it('call.expire is done when the queue was deleted', async () => {
    const line = await calledParty();
    const event = await callExpire(line);
    await service.call('DELETE', `/v1/queues/${line.queueId}`, { as: line.owner });
    await onTaskDue(service.deps, reporterOver(publisher))(event);
    assert.equal((await reports())[0]?.data.outcome, 'done');
  });

  it('call.expire and a concurrent seating end in exactly one of the two states', async () => {
    const handle = onTaskDue(service.deps, reporterOver(publisher));
    for (let round = 0; round < 12; round += 1) {
      const line = await calledParty();
      const event = await callExpire(line);
      const race = [() => service.move(line.party, 'seat', line.owner), () => handle(event)];
      if (round % 2 === 1) race.reverse();
      const answers = await Promise.all(race.map((run) => run()));
      const status = answers.find((answer) => answer !== undefined)?.status;
      const { state } = await partyOf(line.party, line.owner);
      assert.deepEqual([state, status], state === 'seated' ? ['seated', 200] : ['no_show', 409]);
      await service.assertSound(line.queueId);
    }
  });

  it('throws when SQS refuses the report, so that the message is redelivered', async () => {
    const line = await calledParty();
    const event = await callExpire(line);
    const refusing: Publisher = {
      publish: async (events) => ({
        failed: new Map(events.map(({ id }) => [id, 'refused'])),
        unanswered: new Map(),
      }),
    };
    await assert.rejects(onTaskDue(service.deps, reporterOver(refusing))(event), /refused/);
    await onTaskDue(service.deps, reporterOver(publisher))(event);
    assert.equal((await reports()).length, 1);
  });

  function startConsumers(): void {
    const reporter = reporterOver(publisher);
    const shared = { ...broker, logger: testLogger, clock: service.clock };
    const consumers: Consumer[] = [
      createConsumer({
        ...shared,
        queue: 'tasks',
        handlers: { 'task.due': onTaskDue(service.deps, reporter) },
        onDeadLetter: onTaskDeadLetter(reporter),
        retryDelaysSeconds: [1, 1],
      }),
      createConsumer({
        ...shared,
        queue: 'task-results',
        handlers: { 'task.finished': onTaskFinished(service.deps) },
      }),
    ];
    for (const consumer of consumers) void consumer.start();
    running.push(...consumers);
  }

  function startDispatcher() {
    const dispatcher = testDispatcher(service, publisher);
    dispatcher.start();
    running.push(dispatcher);
    return dispatcher;
  }

  it('runs from due to handed out to done', async () => {
    const line = await calledParty(90);
    startDispatcher();
    startConsumers();
    service.clock.advance(90);
    await until('the call has expired', async () => {
      const [task] = await tasksOf(service, { partyId: line.party.id, kind: 'call.expire' });
      return task?.state === 'done';
    });
    assert.equal((await partyOf(line.party, line.owner)).state, 'no_show');
    const [task] = await tasksOf(service, { partyId: line.party.id, kind: 'call.expire' });
    assert.deepEqual([task?.attempts, task?.lease_until, task?.last_error], [1, null, null]);
  });

  it('fails a task of an unknown kind or with a broken payload, without blocking others', async () => {
    const line = await calledParty();
    const good = await callExpire(line);
    const unknownId = await insertTask(service, line.venueId, { state: 'running', attempts: 1 });
    const brokenId = await insertTask(service, line.venueId, { state: 'running', attempts: 1 });
    await service.db.updateTable('tasks').set({ state: 'running', attempts: 1 }).execute();
    const bad = [
      await callExpire(line, { kind: 'party.forget', task: refOf(line.venueId, unknownId) }),
      await callExpire(line, { payload: {}, task: refOf(line.venueId, brokenId) }),
    ];
    await publisher.publish([...bad, good]);
    startConsumers();
    const stateOf = async (id: string) =>
      (await tasksOf(service, { venueId: line.venueId })).find((row) => bytesToUuid(row.id) === id);
    await until('the good task is done', async () => {
      return (await stateOf(good.data.task.taskId))?.state === 'done';
    });
    await until('the unknown task failed', async () => {
      return (await stateOf(unknownId))?.state === 'failed';
    });
    await until(
      'the broken task failed',
      async () => (await stateOf(brokenId))?.state === 'failed',
    );
    assert.match((await stateOf(unknownId))?.last_error ?? '', /party\.forget/);
    const errors: (string | undefined)[] = [];
    await until('both are dead letters', async () => {
      const letters = await broker.deadLetters('tasks');
      errors.push(...letters.map(({ MessageAttributes }) => MessageAttributes?.error?.StringValue));
      return errors.length === 2;
    });
    assert.ok(errors.some((error) => error?.includes('party.forget')));
  });
});
