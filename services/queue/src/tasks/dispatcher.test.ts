import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { EventOf } from '@queue-manager/contracts/events';
import type { Party } from '@queue-manager/contracts/parties';
import { limits } from '@queue-manager/contracts/values';
import { createSqsClient } from '@queue-manager/events/client';
import { createPublisher, type Publisher } from '@queue-manager/events/publish';
import { type TestQueues, testQueues } from '@queue-manager/events/testing';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import type { WorkLoop } from '../db/work-loop.ts';
import { publicUrl, type QueueService, startQueueService } from '../testing.ts';
import { deleteRunning, reclaimLost, takeDue, taskRef } from './task-rows.ts';
import { insertTask, takeEvents, tasksOf, testDispatcher, testLeaseSeconds } from './testing.ts';

describe('dispatcher', () => {
  let service: QueueService;
  let broker: TestQueues;
  let publisher: Publisher;
  const running: WorkLoop[] = [];

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
    await Promise.all(running.splice(0).map((dispatcher) => dispatcher.stop()));
    // Leave no messages and tasks to the next test.
    await Promise.all([mails(), dueTasks()]);
    await service.db.deleteFrom('tasks').execute();
  });

  function start(over: Publisher = publisher): WorkLoop {
    const dispatcher = testDispatcher(service, over);
    dispatcher.start();
    running.push(dispatcher);
    return dispatcher;
  }

  const mails = () => takeEvents<EventOf<'mail.requested'>>(broker, 'mails');
  const dueTasks = () => takeEvents<EventOf<'task.due'>>(broker, 'tasks');

  const statesOf = async (filter: Parameters<typeof tasksOf>[1]) =>
    Object.fromEntries(
      (await tasksOf(service, filter)).map(({ kind, state, attempts }) => [
        kind,
        `${state} ${attempts}`,
      ]),
    );
  const inState = async (state: string) =>
    (
      await service.db
        .selectFrom('tasks')
        .select('id')
        .where('state', '=', state as 'done')
        .execute()
    ).length;
  /** How many tasks are marked as accepted by SQS. */
  const acceptedCount = async () => {
    const fresh = new Date(service.clock.now().getTime() + testLeaseSeconds * 1_000);
    const rows = await service.db
      .selectFrom('tasks')
      .select('id')
      .where('state', '=', 'running')
      .where('lease_until', '>', fresh)
      .execute();
    return rows.length;
  };
  const untilNoneScheduled = () =>
    until('nothing is scheduled', async () => (await inState('scheduled')) === 0);

  /** Resolves when a running dispatcher has polled the table twice more. */
  async function untilPolledAgain(dispatcher: WorkLoop, marker: string): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      const id = await insertTask(service, marker);
      dispatcher.wake();
      await until('a later task is running', async () => {
        const [task] = (await tasksOf(service, { venueId: marker })).filter(
          (row) => bytesToUuid(row.id) === id,
        );
        return task?.state === 'running';
      });
    }
  }

  function unsubscribeLinkOf(venueId: string, email: string): string {
    const { unsubscribeTokens } = service.deps;
    const token = unsubscribeTokens.make(unsubscribeTokens.of(uuidToBytes(venueId), email));
    return `${publicUrl}/v1/unsubscribe/${token}`;
  }

  async function add(queueId: string, owner: string, body: object): Promise<Party> {
    return (await service.add(queueId, owner, body)).body;
  }

  it('sends each mail with the party’s data as of that moment', async () => {
    const { owner, queueId, venueId } = await service.openLine(
      { name: 'Tables', callGraceSeconds: 120 },
      { name: 'Casa', locale: 'pt-PT' },
    );
    const english = await add(queueId, owner, {
      name: 'Ann',
      email: 'Ann@Example.com',
      locale: 'en',
    });
    const local = await add(queueId, owner, { name: 'Rui', email: 'old@example.com' });
    await service.call('PATCH', `/v1/parties/${local.id}`, {
      as: owner,
      body: { email: 'rui@example.com' },
    });
    await service.move(english, 'call', owner);
    start();
    await until('the mails are handed out', async () => (await acceptedCount()) === 3);
    const found = await mails();
    const of = (to: string, template: string) =>
      found.filter(({ data }) => data.to === to && data.content.template === template);
    const [called, ...others] = of('Ann@Example.com', 'party-called');
    assert.deepEqual(others, []);
    const facts = {
      name: 'Ann',
      number: 1,
      venueName: 'Casa',
      queueName: 'Tables',
      link: `${publicUrl}/t/${english.ticket}`,
      unsubscribeLink: unsubscribeLinkOf(venueId, 'ann@example.com'),
    };
    const [task] = await tasksOf(service, { partyId: english.id, kind: 'notify.called' });
    assert.deepEqual(called?.data, {
      to: 'Ann@Example.com',
      locale: 'en',
      content: { template: 'party-called', graceSeconds: 120, ...facts },
      newSender: { id: owner, recipientsOfDayMax: limits.newVenueRecipientsOfDayMax },
      order: { partyId: english.id, seq: (await service.rowOf(queueId)).seq },
      task: { venueId, taskId: bytesToUuid(task?.id ?? Buffer.of()), attempt: 1 },
    });
    assert.deepEqual(of('Ann@Example.com', 'party-joined')[0]?.data.content, {
      template: 'party-joined',
      ...facts,
    });
    assert.equal(of('rui@example.com', 'party-joined')[0]?.data.locale, 'pt-PT');
    assert.equal(new Set(found.map(({ id }) => id)).size, 3);
    assert.deepEqual(await dueTasks(), []);
  });

  it('sends the right template for every kind of mail', async () => {
    const { owner, queueId } = await service.openLine();
    const parties: Party[] = [];
    for (const name of ['Ana', 'Bea', 'Cid', 'Dia']) {
      parties.push(await add(queueId, owner, { name, email: `${name}@example.com` }));
    }
    const dispatcher = start();
    const [ana] = parties as [Party];
    const templates: string[] = [];
    let sent = 0;
    const collect = async (count: number) => {
      dispatcher.wake();
      sent += count;
      await until('the mails are handed out', async () => (await acceptedCount()) === sent);
      templates.push(
        ...(await mails()).map(({ data }) => `${data.to.slice(0, 3)} ${data.content.template}`),
      );
    };
    await collect(4);
    await service.move(ana, 'call', owner);
    await collect(2);
    await service.move(ana, 'call', owner);
    await collect(1);
    await service.move(ana, 'no-show', owner);
    await collect(1);
    assert.deepEqual(templates.sort(), [
      'Ana party-called',
      'Ana party-joined',
      'Ana party-no-show',
      'Ana party-recalled',
      'Bea party-joined',
      'Cid party-joined',
      'Dia party-almost-there',
      'Dia party-joined',
    ]);
  });

  it('drops the mail when the party was erased, has no address any more, or changed state', async () => {
    const { owner, queueId, venueId } = await service.openLine();
    const [erased, silent, past] = await Promise.all(
      ['a@example.com', 'b@example.com', 'c@example.com'].map((email) =>
        add(queueId, owner, { email }),
      ),
    );
    await service.db
      .deleteFrom('personal')
      .where('party_id', '=', uuidToBytes(erased?.id ?? ''))
      .execute();
    await service.call('PATCH', `/v1/parties/${silent?.id}`, { as: owner, body: { email: null } });
    await service.db
      .updateTable('parties')
      .set({ state: 'seated' })
      .where('id', '=', uuidToBytes(past?.id ?? ''))
      .execute();
    start();
    await until(
      'all tasks are deleted',
      async () => (await tasksOf(service, { venueId })).length === 0,
    );
    assert.deepEqual(await mails(), []);
    // The parties show no notification either.
    for (const party of [erased, silent, past]) {
      const { body } = await service.call('GET', `/v1/parties/${party?.id}`, { as: owner });
      assert.deepEqual(body.notifications, []);
    }

    // A retry by a manager sends it regardless of the state.
    await insertTask(service, venueId, {
      kind: 'notify.joined',
      queue_id: uuidToBytes(queueId),
      party_id: uuidToBytes(past?.id ?? ''),
      payload: '{"seq":1}',
      generation: 1,
    });
    await untilNoneScheduled();
    await until('it is sent', async () => (await acceptedCount()) === 1);
    // It comes after newer mails, and must not be skipped.
    assert.deepEqual(
      (await mails()).map(({ data }) => [data.to, data.order]),
      [['c@example.com', undefined]],
    );
  });

  it('marks the mails of a venue as a new sender’s for its first seven days', async () => {
    const { owner, queueId } = await service.openLine();
    const senderOf = async () => {
      await add(queueId, owner, { email: 'ana@example.com' });
      dispatcher.wake();
      return until('the mail is handed out', async () => {
        const [mail] = await mails();
        return mail && { sender: mail.data.newSender?.id };
      });
    };
    const dispatcher = start();
    service.clock.advance(limits.newVenueDays * 24 * 60 * 60 - 1);
    assert.deepEqual(await senderOf(), { sender: owner });
    service.clock.advance(1);
    assert.deepEqual(await senderOf(), { sender: undefined });
  });

  it('skips every mail of a venue to a recipient who has unsubscribed, and no others', async () => {
    const [line, other] = [await service.openLine(), await service.openLine()];
    const path = unsubscribeLinkOf(line.venueId, 'ana@example.com').slice(publicUrl.length);
    assert.equal((await service.call('POST', path)).status, 200);
    const party = await add(line.queueId, line.owner, { email: 'Ana+x@example.com' });
    await service.move(party, 'call', line.owner);
    await service.call('POST', `/v1/venues/${line.venueId}/invitations`, {
      as: line.owner,
      body: { email: 'ana@example.com', role: 'host' },
    });
    await add(line.queueId, line.owner, { email: 'joao@example.com' });
    await add(other.queueId, other.owner, { email: 'ana@example.com' });
    start();
    await until('two are sent', async () => (await acceptedCount()) === 2);
    await until('three are skipped', async () => (await inState('skipped')) === 3);
    assert.deepEqual((await mails()).map(({ data }) => data.to).sort(), [
      'ana@example.com',
      'joao@example.com',
    ]);
    const { body } = await service.call('GET', `/v1/venues/${line.venueId}/tasks?state=skipped`, {
      as: line.owner,
    });
    assert.deepEqual(
      new Set(body.data.map(({ lastError }: { lastError: string }) => lastError)),
      new Set(['the recipient wants no e-mails from this venue']),
    );
    assert.deepEqual(body.data.map(({ kind }: { kind: string }) => kind).sort(), [
      'notify.called',
      'notify.invitation',
      'notify.joined',
    ]);
    const { body: seen } = await service.call('GET', `/v1/parties/${party.id}`, { as: line.owner });
    assert.deepEqual(
      seen.notifications.map(({ state }: { state: string }) => state),
      ['skipped', 'skipped'],
    );
  });

  it('sends work to the tasks queue when it is due by the clock', async () => {
    const { owner, queueId, venueId } = await service.openLine({ callGraceSeconds: 90 });
    const party = await add(queueId, owner, {});
    await service.move(party, 'call', owner);
    const dispatcher = start();
    service.clock.advance(89);
    await untilPolledAgain(dispatcher, queueId);
    assert.deepEqual(await statesOf({ partyId: party.id }), { 'call.expire': 'scheduled 0' });
    await dueTasks();

    service.clock.advance(1);
    // Found by the poll: nothing wakes the dispatcher.
    await until('it is handed out', async () => (await acceptedCount()) === 3);
    const [due, ...others] = await dueTasks();
    assert.deepEqual(others, []);
    const [task] = await tasksOf(service, { partyId: party.id });
    assert.deepEqual(due?.data, {
      task: { venueId, taskId: bytesToUuid(task?.id ?? Buffer.of()), attempt: 1 },
      kind: 'call.expire',
      queueId,
      partyId: party.id,
      payload: { calls: 1, seq: 3 },
    });
  });

  it('hands out each task once across concurrent dispatchers', async () => {
    const { queueId: venueId } = await service.openLine();
    const ids = await Promise.all(Array.from({ length: 450 }, () => insertTask(service, venueId)));
    const all = [start(), start(), start()];
    await untilNoneScheduled();
    await Promise.all(all.map((dispatcher) => dispatcher.stop()));
    const found = (await dueTasks()).map(({ data }) => data.task);
    assert.deepEqual(found.map(({ taskId }) => taskId).sort(), ids.sort());
    assert.ok(found.every(({ attempt }) => attempt === 1));
  });

  it('hands out a lost task again, as the same mail, when its lease has expired', async () => {
    const { owner, queueId } = await service.openLine();
    const party = await add(queueId, owner, { email: 'ana@example.com' });
    // Taken and committed, but the process ended before it reached SQS.
    const [lost] = await takeDue(service.db, service.clock.now(), testLeaseSeconds);
    assert.ok(lost !== undefined);
    service.clock.advance(testLeaseSeconds - 1);
    assert.equal(await reclaimLost(service.db, service.clock.now()), 0);
    start();
    service.clock.advance(1);
    await until('it is handed out again', async () => {
      const { 'notify.joined': state } = await statesOf({ partyId: party.id });
      return state === 'running 2';
    });
    await until('its mail is in the queue', async () => (await broker.count('mails')) === 1);
    const [again] = await mails();
    assert.deepEqual(again?.data.task, { ...taskRef(lost), attempt: 2 });

    // Once SQS has it, it does not count as lost. If handed out again, it is the same mail.
    await until('it is marked as accepted by SQS', async () => (await acceptedCount()) === 1);
    service.clock.advance(testLeaseSeconds * 10);
    assert.equal(await reclaimLost(service.db, service.clock.now()), 0);
    await service.db
      .updateTable('tasks')
      .set({ lease_until: service.clock.now() })
      .where('party_id', '=', uuidToBytes(party.id))
      .execute();
    await until('its mail is in the queue', async () => (await broker.count('mails')) === 1);
    const [third] = await mails();
    assert.equal(third?.id, again?.id);

    // A retry by a manager is a new mail.
    await service.db
      .updateTable('tasks')
      .set({ state: 'scheduled', generation: 1 })
      .where('party_id', '=', uuidToBytes(party.id))
      .execute();
    await until('its mail is in the queue', async () => (await broker.count('mails')) === 1);
    const [retried] = await mails();
    assert.notEqual(retried?.id, again?.id);
  });

  it('puts tasks back without counting an attempt while SQS is unavailable', async () => {
    const { owner, queueId } = await service.openLine();
    const party = await add(queueId, owner, { email: 'ana@example.com' });
    let tries = 0;
    let isUnavailable = true;
    const unavailable = createPublisher({
      sqs: new SQSClient({ endpoint: 'http://127.0.0.1:1', maxAttempts: 1 }),
      prefix: broker.prefix,
    });
    start({
      publish(events) {
        tries += events.length;
        return (isUnavailable ? unavailable : publisher).publish(events);
      },
    });
    await until('it has failed twice', () => tries >= 2);
    await until('it is scheduled', async () => {
      const states = await statesOf({ partyId: party.id });
      return states['notify.joined'] === 'scheduled 0';
    });
    isUnavailable = false;
    await until('it is handed out', async () => (await broker.count('mails')) === 1);
    await until('it is marked', async () => {
      const states = await statesOf({ partyId: party.id });
      return states['notify.joined'] === 'running 1';
    });
  });

  it('retries a task that SQS refuses, without blocking others, and fails it in the end', async () => {
    const { owner, queueId } = await service.openLine();
    const bad = await add(queueId, owner, { name: 'Bad', email: 'bad@example.com' });
    const good = await add(queueId, owner, { name: 'Good', email: 'good@example.com' });
    await service.db
      .updateTable('personal')
      .set({ locale: '-' })
      .where('party_id', '=', uuidToBytes(bad.id))
      .execute();
    const dispatcher = start();
    await until('the bad task was refused', async () => {
      const [task] = await tasksOf(service, { partyId: bad.id });
      return task?.last_error;
    });
    assert.deepEqual(
      (await mails()).map(({ data }) => data.to),
      ['good@example.com'],
    );
    assert.deepEqual(await statesOf({ partyId: good.id }), { 'notify.joined': 'running 1' });
    for (let attempt = 2; attempt <= 10; attempt += 1) {
      service.clock.advance(60);
      dispatcher.wake();
      await until('it is tried again', async () => {
        const [task] = await tasksOf(service, { partyId: bad.id });
        return task?.attempts === attempt && task.state !== 'running';
      });
    }
    const [task] = await tasksOf(service, { partyId: bad.id });
    assert.equal(task?.state, 'failed');
    assert.match(task?.last_error ?? '', /data\.locale/);
    assert.deepEqual(await mails(), []);
  });

  it('fails a task by its refusals, not by its attempts', async () => {
    const { owner, queueId } = await service.openLine();
    const { id: partyId } = await add(queueId, owner, { email: 'ana@example.com' });
    const change = (changes: { attempts?: number; refusals?: number; state?: 'scheduled' }) =>
      service.db
        .updateTable('tasks')
        .set(changes)
        .where('party_id', '=', uuidToBytes(partyId))
        .execute();
    const localeOf = (locale: string) =>
      service.db
        .updateTable('personal')
        .set({ locale })
        .where('party_id', '=', uuidToBytes(partyId))
        .execute();
    const task = async () => (await tasksOf(service, { partyId }))[0];
    await change({ attempts: 25 });
    await localeOf('-');
    const dispatcher = start();
    await until('it was refused', async () => (await task())?.last_error);
    assert.partialDeepStrictEqual(await task(), { state: 'scheduled', attempts: 26, refusals: 1 });

    // Acceptance resets the refusals.
    await localeOf('pt');
    await change({ refusals: 9 });
    service.clock.advance(60);
    dispatcher.wake();
    await until('it is handed out', async () => (await acceptedCount()) === 1);
    assert.partialDeepStrictEqual(await task(), { state: 'running', attempts: 27, refusals: 0 });

    // So does a retry by a manager.
    await localeOf('-');
    await change({ state: 'scheduled', refusals: 9 });
    dispatcher.wake();
    await until('it has failed', async () => (await task())?.state === 'failed');
    const failed = await task();
    const { status } = await service.call(
      'POST',
      `/v1/tasks/${bytesToUuid(failed?.id ?? Buffer.of())}/retry`,
      { as: owner },
    );
    assert.equal(status, 200);
    dispatcher.wake();
    await until('it was refused once more', async () => (await task())?.refusals === 1);
    assert.equal((await task())?.state, 'scheduled');
  });

  it('puts back only the tasks that an outage of SQS hit, without counting an attempt', async () => {
    const { owner, queueId, venueId } = await service.openLine();
    const party = await add(queueId, owner, { email: 'ana@example.com' });
    const taskId = await insertTask(service, venueId);
    let tries = 0;
    let isUnavailable = true;
    const sqs = createSqsClient();
    sqs.middlewareStack.add((next) => (args) => {
      const { QueueUrl = '' } = args.input as { QueueUrl?: string };
      if (!QueueUrl.endsWith('-tasks') || !isUnavailable) return next(args);
      tries += 1;
      return Promise.reject(Object.assign(new Error('cut off'), { code: 'ECONNRESET' }));
    });
    start(createPublisher({ sqs, prefix: broker.prefix }));
    await until('it has failed once', () => tries >= 1);
    await until('the mail is handed out', async () => (await acceptedCount()) === 1);
    assert.deepEqual(await statesOf({ partyId: party.id }), { 'notify.joined': 'running 1' });
    const work = async () =>
      (await tasksOf(service, { venueId })).find(({ id }) => bytesToUuid(id) === taskId);
    // Read at once: a moment later it is handed out again.
    const back = await until('the other task is put back', async () => {
      const row = await work();
      return row?.state === 'scheduled' ? row : undefined;
    });
    assert.partialDeepStrictEqual(back, { attempts: 0, refusals: 0, last_error: null });
    isUnavailable = false;
    await until('it is handed out too', async () => (await acceptedCount()) === 2);
    assert.partialDeepStrictEqual(await work(), { attempts: 1 });
    sqs.destroy();
  });

  it('deletes stale tasks only while they run the given attempt', async () => {
    const { venueId } = await service.openLine();
    const ids = [await insertTask(service, venueId), await insertTask(service, venueId)];
    await takeDue(service.db, service.clock.now(), testLeaseSeconds);
    await service.db
      .updateTable('tasks')
      .set({ attempts: 2 })
      .where('id', '=', uuidToBytes(ids[1] as string))
      .execute();
    const refs = ids.map((taskId) => ({ venueId, taskId, attempt: 1 }));
    await deleteRunning(service.db, refs);
    await deleteRunning(service.db, []);
    const left = await tasksOf(service, { venueId });
    assert.deepEqual(
      left.map(({ id }) => bytesToUuid(id)),
      [ids[1]],
    );
    await service.db.updateTable('tasks').set({ state: 'scheduled', attempts: 1 }).execute();
    await deleteRunning(service.db, refs);
    assert.equal((await tasksOf(service, { venueId })).length, 1);
  });

  it('skips kinds that it does not know', async () => {
    const { queueId: venueId } = await service.openLine();
    await Promise.all(
      Array.from({ length: 120 }, () => insertTask(service, venueId, { kind: 'party.forget' })),
    );
    service.clock.advance(1);
    await insertTask(service, venueId);
    start();
    await until('the known kind is handed out', async () => (await broker.count('tasks')) === 1);
    assert.equal(await inState('scheduled'), 120);
  });

  it('hands out everything that came due during a long stop, once', async () => {
    const { queueId: venueId } = await service.openLine();
    const runAt = (seconds: number) => new Date(service.clock.now().getTime() + seconds * 1_000);
    for (let from = 0; from < 1_000; from += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          insertTask(service, venueId, { run_at: runAt(from + index + 1) }),
        ),
      );
    }
    const early = start();
    await early.stop();
    assert.equal(await inState('scheduled'), 1_000);
    service.clock.advance(24 * 60 * 60);
    start();
    start();
    await untilNoneScheduled();
    await until('all are in SQS', async () => (await broker.count('tasks')) === 1_000);
    const ids = (await dueTasks()).map(({ data }) => data.task.taskId);
    assert.equal(ids.length, 1_000);
    assert.equal(new Set(ids).size, 1_000);
  });
});
