import { DeleteMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { Event, TaskRef } from '@queue-manager/contracts/events';
import { createQueueUrls } from '@queue-manager/events/client';
import type { Publisher } from '@queue-manager/events/publish';
import type { TestQueues } from '@queue-manager/events/testing';
import type { QueueName } from '@queue-manager/events/topology';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { TaskRow } from '../db/tables.ts';
import type { WorkLoop } from '../db/work-loop.ts';
import { accountUrl, publicUrl, type QueueService } from '../testing.ts';
import { createDispatcher } from './dispatcher.ts';
import type { DueTask } from './kind.ts';

export const testLeaseSeconds = 300;

/** A dispatcher of the service under test; the caller starts it. */
export function testDispatcher(service: QueueService, publisher: Publisher): WorkLoop {
  const { logger, tickets, invitationTokens, unsubscribeTokens } = service.deps;
  const { db, clock } = service;
  return createDispatcher({
    db,
    clock,
    logger,
    tickets,
    invitationTokens,
    unsubscribeTokens,
    publicUrl,
    accountUrl,
    publisher,
    leaseSeconds: testLeaseSeconds,
  });
}

type Filter = { venueId?: string; partyId?: string; kind?: string };

/** The tasks that match the filter. */
export async function tasksOf({ db }: QueueService, filter: Filter): Promise<TaskRow[]> {
  const { venueId, partyId, kind } = filter;
  return db
    .selectFrom('tasks')
    .selectAll()
    .$if(venueId !== undefined, (q) => q.where('venue_id', '=', uuidToBytes(venueId as string)))
    .$if(partyId !== undefined, (q) => q.where('party_id', '=', uuidToBytes(partyId as string)))
    .$if(kind !== undefined, (q) => q.where('kind', '=', kind as string))
    .orderBy('run_at')
    .orderBy('kind')
    .execute();
}

/** The kinds of a party's tasks, in the order of their due times. */
export async function kindsOf(service: QueueService, partyId: string): Promise<string[]> {
  return (await tasksOf(service, { partyId })).map(({ kind }) => kind);
}

/** Inserts a task without a change of a queue; returns its id. */
export async function insertTask(
  { db, clock }: QueueService,
  venueId: string,
  task: Partial<Omit<TaskRow, 'id' | 'venue_id'>> = {},
): Promise<string> {
  const id = newId(clock);
  const now = clock.now();
  await db
    .insertInto('tasks')
    .values({
      venue_id: uuidToBytes(venueId),
      id: uuidToBytes(id),
      kind: 'call.expire',
      queue_id: null,
      party_id: null,
      payload: '{}',
      state: 'scheduled',
      last_error: null,
      run_at: now,
      lease_until: null,
      updated_at: now,
      ...task,
    })
    .execute();
  return id;
}

export function refOf(venueId: string, taskId: string, attempt = 1): TaskRef {
  return { venueId, taskId, attempt };
}

/** Receives and deletes all events that an SQS queue holds. */
export async function takeEvents<E extends Event>(
  broker: TestQueues,
  queue: QueueName,
): Promise<E[]> {
  const QueueUrl = await createQueueUrls(broker.sqs, broker.prefix)(queue);
  const events: E[] = [];
  for (;;) {
    const messages = await broker.receive(queue);
    if (messages.length === 0) return events;
    events.push(...messages.map(({ Body }) => JSON.parse(Body as string) as E));
    const Entries = messages.map(({ ReceiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle,
    }));
    await broker.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}

/** The last task that matches the filter, as its `task.due` message carries it. */
export async function dueTaskOf(service: QueueService, filter: Filter): Promise<DueTask> {
  const task = (await tasksOf(service, filter)).at(-1);
  if (task === undefined) throw new Error('There is no such task');
  return {
    task: refOf(bytesToUuid(task.venue_id), bytesToUuid(task.id)),
    kind: task.kind,
    queueId: task.queue_id && bytesToUuid(task.queue_id),
    partyId: task.party_id && bytesToUuid(task.party_id),
    payload: JSON.parse(task.payload),
  };
}
