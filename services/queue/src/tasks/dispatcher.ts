import { type Event, makeEvent } from '@queue-manager/contracts/events';
import type { Publisher } from '@queue-manager/events/publish';
import { queues } from '@queue-manager/events/topology';
import { dayMs } from '@queue-manager/service-kit/durations';
import { bytesToUuid, newId } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage } from '@queue-manager/service-kit/problems';
import { contextOfSpan, endSpan, startSpan } from '@queue-manager/service-kit/telemetry/spans';
import type { TraceContext } from '@queue-manager/service-kit/trace-context';
import { sql } from 'kysely';
import { v5 } from 'uuid';
import type { TaskRow } from '../db/tables.ts';
import { contextOf } from '../db/trace-context.ts';
import { createWorkLoop, type WorkLoop } from '../db/work-loop.ts';
import { findUnsubscribed } from '../unsubscribe/find-unsubscribed.ts';
import { type ComposeDeps, type Mail, taskKey } from './kind.ts';
import { taskKinds } from './registry.ts';
import {
  batchSize,
  changeRunning,
  deleteRunning,
  earliestRunAt,
  finishTasks,
  reclaimLost,
  takeDue,
  taskRef,
} from './task-rows.ts';

/** Poll interval, for tasks that other instances scheduled; a commit in this process wakes the dispatcher. */
const pollMs = 1_000;
/** Concurrent batches: while one is sent to SQS, the next is read from MySQL. */
const concurrency = 2;
/** Pause before the next look when other instances have locked all due tasks. */
const lockedPauseMs = 50;
/** How often SQS may refuse a task (too large, for example) before the task fails. */
const refusalsMax = 10;
const refusalDelayMaxMs = 60_000;
const errorLengthMax = 1_000;
const keptBySqsMs = Math.max(queues.mails.retentionDays, queues.tasks.retentionDays) * dayMs;

/** Namespace of mail ids: a task asks for the same mail each time, until a manager retries it. */
const mailNamespace = '6b1f7f0e-6b2c-4c39-9a53-0d1f5a1f3e55';

type DispatcherDeps = ComposeDeps & {
  logger: Logger;
  publisher: Publisher;
  /** How long a task may take from MySQL to SQS before it counts as lost. */
  leaseSeconds: number;
};

/**
 * Hands out due tasks: takes a batch under a lease, commits, and then sends a message for each task to the consumer
 * of its kind. After a crash in between, the tasks are handed out again when their lease expires. Any number of
 * instances may run; none hands out a task that another has taken.
 *
 * Each commit wakes it, which costs one index read when nothing is due.
 */
export function createDispatcher(deps: DispatcherDeps): WorkLoop {
  const { db, clock, logger } = deps;
  /** When to look for lost tasks again, by the process's monotonic clock. */
  let nextLostCheckAt = 0;

  async function step(index: number): Promise<number> {
    const now = clock.now();
    const earliest = await earliestRunAt(db);
    if (earliest === null || earliest > now) {
      if (await reclaimLostTasks()) return 0;
      return earliest === null ? pollMs : Math.min(pollMs, earliest.getTime() - now.getTime());
    }
    const tasks = await takeDue(db, now, deps.leaseSeconds);
    if (tasks.length === 0) return lockedPauseMs;
    // There may be more: wakes the next loop to read them at the same time.
    if (tasks.length === batchSize) loops[index + 1]?.wake();
    await handOut(deps, tasks);
    return 0;
  }

  async function reclaimLostTasks(): Promise<boolean> {
    if (performance.now() < nextLostCheckAt) return false;
    nextLostCheckAt = performance.now() + pollMs;
    const count = await reclaimLost(db, clock.now());
    if (count > 0) logger.warn({ count }, 'handing out lost tasks again');
    return count > 0;
  }

  const loops = Array.from({ length: concurrency }, (_, index) =>
    createWorkLoop({
      step: () => step(index),
      logger,
      onOutage: 'dispatcher cannot hand out tasks',
      onRecovery: 'dispatcher hands out tasks again',
    }),
  );
  return {
    start() {
      for (const loop of loops) loop.start();
    },
    wake: () => loops[0]?.wake(),
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

/** The outcome of handing out a batch. */
type HandedOut = {
  messages: { task: TaskRow; event: Event }[];
  /** Mails that are outdated or have no recipient any more. */
  stale: TaskRow[];
  /** Mails that a rule forbids. */
  skipped: { task: TaskRow; reason: string }[];
  refused: { task: TaskRow; reason: string }[];
  /** Tasks that an outage of SQS hit while others were accepted. */
  unanswered: { task: TaskRow; error: unknown }[];
};

async function handOut(deps: DispatcherDeps, tasks: readonly TaskRow[]): Promise<void> {
  const { db, clock } = deps;
  const { messages, stale, skipped, refused, unanswered } = await sendMessages(deps, tasks).catch(
    async (error) => {
      await putBack(deps, tasks);
      throw error;
    },
  );
  const now = clock.now();
  // SQS delivers them to a consumer or to the dead-letter queue, and either reports the result. Until SQS would have
  // dropped them, handing them out again could only duplicate them.
  await changeRunning(
    db,
    messages.map(({ task }) => taskRef(task)),
    { refusals: 0, lease_until: new Date(now.getTime() + keptBySqsMs), updated_at: now },
  );
  // Deleted like cancelled ones: `done` would tell the host that the guest was notified.
  await deleteRunning(db, stale.map(taskRef));
  await finishTasks(
    db,
    now,
    skipped.map(({ task, reason }) => ({
      task: taskRef(task),
      outcome: 'skipped',
      error: reason,
    })),
  );
  for (const { task, reason } of refused) await rescheduleRefused(deps, task, reason);
  const [first] = unanswered;
  if (first === undefined) return;
  await putBack(
    deps,
    unanswered.map(({ task }) => task),
  );
  throw first.error;
}

async function sendMessages(deps: DispatcherDeps, tasks: readonly TaskRow[]): Promise<HandedOut> {
  const { messages, stale, skipped, refused } = await compose(deps, tasks);
  const contexts = new Map<string, TraceContext>();
  for (const { task, event } of messages) {
    const context = contextOf(task);
    // From when the task was due until now.
    const span = startSpan(`task ${task.kind}`, { startTime: task.run_at }, context);
    contexts.set(event.id, span === undefined ? context : contextOfSpan(span, context));
    if (span !== undefined) endSpan(span);
  }
  const { failed, unanswered } = await deps.publisher.publish(
    messages.map(({ event }) => event),
    contexts,
  );
  return {
    messages: messages.filter(({ event }) => !failed.has(event.id)),
    stale,
    skipped,
    refused: [
      ...refused,
      ...messages.flatMap(({ task, event: { id } }) => {
        const reason = failed.get(id);
        return reason === undefined || unanswered.has(id) ? [] : { task, reason };
      }),
    ],
    unanswered: messages.flatMap(({ task, event: { id } }) =>
      unanswered.has(id) ? { task, error: unanswered.get(id) } : [],
    ),
  };
}

/** Composes the message of each task, in one batch per kind. Throws when a store is unavailable. */
async function compose(deps: DispatcherDeps, tasks: readonly TaskRow[]): Promise<HandedOut> {
  const composed: HandedOut = {
    messages: [],
    stale: [],
    skipped: [],
    refused: [],
    unanswered: [],
  };
  for (const [name, ofKind] of Map.groupBy(tasks, ({ kind }) => kind)) {
    const kind = taskKinds.get(name);
    if (kind?.destination !== 'mails') {
      composed.messages.push(...ofKind.map((task) => ({ task, event: dueEvent(deps, task) })));
      continue;
    }
    try {
      const mails = await kind.compose(deps, ofKind);
      const isUnsubscribed = await findUnsubscribed(
        deps,
        ofKind.flatMap((task) => {
          const to = mails.get(taskKey(task))?.to;
          return to === undefined ? [] : { venueId: task.venue_id, to };
        }),
      );
      for (const task of ofKind) {
        const mail = mails.get(taskKey(task));
        if (mail === undefined) composed.stale.push(task);
        else if (isUnsubscribed(task.venue_id, mail.to))
          composed.skipped.push({ task, reason: 'the recipient wants no e-mails from this venue' });
        else composed.messages.push({ task, event: mailEvent(deps, task, mail) });
      }
    } catch (error) {
      if (isOutage(error)) throw error;
      deps.logger.error({ err: error, kind: name }, 'composing mails failed');
      composed.refused.push(
        ...ofKind.map((task) => ({ task, reason: 'the mail cannot be composed' })),
      );
    }
  }
  return composed;
}

function dueEvent({ clock }: DispatcherDeps, task: TaskRow): Event {
  return makeEvent({
    id: newId(clock),
    source: '/queue',
    type: 'task.due',
    subject: bytesToUuid(task.id),
    time: clock.now().toISOString(),
    data: {
      task: taskRef(task),
      kind: task.kind,
      queueId: task.queue_id && bytesToUuid(task.queue_id),
      partyId: task.party_id && bytesToUuid(task.party_id),
      payload: JSON.parse(task.payload),
    },
  });
}

function mailEvent({ clock }: DispatcherDeps, task: TaskRow, mail: Mail): Event {
  return makeEvent({
    // The mailer sends each id once, so a task that is handed out again mails the guest only once.
    id: v5(`${bytesToUuid(task.id)}:${task.generation}`, mailNamespace),
    source: '/queue',
    type: 'mail.requested',
    subject: bytesToUuid(task.party_id ?? task.id),
    time: clock.now().toISOString(),
    data: { ...mail, task: taskRef(task) },
  });
}

/** Nothing was sent, so no attempt is counted. If MySQL is unavailable too, the lease brings the tasks back. */
async function putBack({ db, clock, logger }: DispatcherDeps, tasks: readonly TaskRow[]) {
  try {
    await changeRunning(db, tasks.map(taskRef), {
      state: 'scheduled',
      attempts: sql<number>`attempts - 1`,
      lease_until: null,
      updated_at: clock.now(),
    });
  } catch (error) {
    logger.warn({ err: error }, 'tasks not put back: waiting for their lease to expire');
  }
}

/** Reschedules a task that SQS refused, with backoff; fails it in the end. Other tasks do not wait. */
async function rescheduleRefused(
  deps: DispatcherDeps,
  task: TaskRow,
  reason: string,
): Promise<void> {
  const { db, clock, logger } = deps;
  const now = clock.now();
  const ref = taskRef(task);
  logger.error({ taskId: ref.taskId, kind: task.kind, reason }, 'task refused by SQS');
  const error = reason.slice(0, errorLengthMax);
  // Counted apart from attempts, which include losses, failed work and retries by managers.
  const refusals = task.refusals + 1;
  if (refusals >= refusalsMax) {
    await finishTasks(db, now, [{ task: ref, outcome: 'failed', error }]);
    return;
  }
  const delayMs = Math.min(refusalDelayMaxMs, 1_000 * 2 ** (refusals - 1));
  await changeRunning(db, [ref], {
    state: 'scheduled',
    refusals,
    last_error: error,
    run_at: new Date(now.getTime() + delayMs),
    lease_until: null,
    updated_at: now,
  });
}
