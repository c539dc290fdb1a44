import { type Event, makeEvent } from '@queue-manager/contracts/events';
import type { Publisher } from '@queue-manager/events/publish';
import { queues } from '@queue-manager/events/topology';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import { dayMs } from '@queue-manager/service-kit/durations';
import { bytesToUuid, newId } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage } from '@queue-manager/service-kit/problems';
import { sql } from 'kysely';
import { v5 } from 'uuid';
import type { TaskRow } from '../db/tables.ts';
import { contextOf } from '../db/trace-context.ts';
import { createWorkLoop, type WorkLoop } from '../db/work-loop.ts';
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

/** Finds what other instances scheduled; a commit in this process wakes the dispatcher at once. */
const pollMs = 1_000;
/** Batches in hand at once: while SQS takes one, the next is taken from MySQL. */
const batchesAtOnce = 2;
/** When everything due is in the hands of other instances: before looking at what comes after it. */
const inHandMs = 50;
/** How often a task that SQS refuses (it is too large, say) is tried before it fails. */
const refusalsMax = 10;
const refusalDelayMaxMs = 60_000;
const errorLengthMax = 1_000;
const keptBySqsMs = Math.max(queues.mails.retentionDays, queues.tasks.retentionDays) * dayMs;

/** Namespace of the ids of mails: the same task always asks for the same mail, until a manager retries it. */
const mailNamespace = '6b1f7f0e-6b2c-4c39-9a53-0d1f5a1f3e55';

export type DispatcherDeps = ComposeDeps & {
  logger: Logger;
  publisher: Publisher;
  /** How long a task may be on its way from MySQL to SQS before it is taken for lost. */
  leaseSeconds: number;
};

/**
 * Hands due tasks out: takes a batch under a lease, commits, and only then sends a message for each to
 * whoever does its kind. A crash in between leaves the tasks running until the lease is over; then they are
 * handed out again. Any number of instances may run, and none hands out what another has in hand.
 *
 * A commit wakes it, which costs one read of the head of an index where there is nothing to do.
 */
export function createDispatcher(deps: DispatcherDeps): WorkLoop {
  const { db, clock, logger } = deps;
  /** Of this machine's running, not of the domain: when to look for lost tasks again. */
  let looksForLostAt = 0;

  async function step(lane: number): Promise<number> {
    const now = clock.now();
    const earliest = await earliestRunAt(db);
    if (earliest === null || earliest > now) {
      if (await foundLost()) return 0;
      return earliest === null ? pollMs : Math.min(pollMs, earliest.getTime() - now.getTime());
    }
    const tasks = await takeDue(db, now, deps.leaseSeconds);
    if (tasks.length === 0) return inHandMs;
    // More than one batch: the next is taken meanwhile.
    if (tasks.length === batchSize) lanes[lane + 1]?.wake();
    await handOut(deps, tasks);
    return 0;
  }

  async function foundLost(): Promise<boolean> {
    if (performance.now() < looksForLostAt) return false;
    looksForLostAt = performance.now() + pollMs;
    const count = await reclaimLost(db, clock.now());
    if (count > 0) logger.warn({ count }, 'tasks were lost on their way: handing them out again');
    return count > 0;
  }

  const lanes = Array.from({ length: batchesAtOnce }, (_, lane) =>
    createWorkLoop({
      step: () => step(lane),
      logger,
      waits: 'tasks wait to be handed out',
      goesOn: 'tasks are handed out again',
    }),
  );
  return {
    start() {
      for (const lane of lanes) lane.start();
    },
    wake: () => lanes[0]?.wake(),
    async stop() {
      await Promise.all(lanes.map((lane) => lane.stop()));
    },
  };
}

/** What becomes of a batch. */
type HandedOut = {
  messages: { task: TaskRow; event: Event }[];
  /** Those that have nothing to tell, or nobody to tell it to, any more. */
  stale: TaskRow[];
  refused: { task: TaskRow; reason: string }[];
  /** Those that SQS was away for, while it took others. */
  unanswered: { task: TaskRow; error: unknown }[];
};

async function handOut(deps: DispatcherDeps, tasks: readonly TaskRow[]): Promise<void> {
  const { db, clock } = deps;
  const { messages, stale, refused, unanswered } = await sendMessages(deps, tasks).catch(
    async (error) => {
      await putBack(deps, tasks);
      throw error;
    },
  );
  const now = clock.now();
  // SQS has them now, and gives them to their consumer or to the dead-letter queue: either reports. Until SQS
  // itself would have forgotten them, handing them out again could only double them.
  await changeRunning(
    db,
    messages.map(({ task }) => taskRef(task)),
    { refusals: 0, lease_until: new Date(now.getTime() + keptBySqsMs), updated_at: now },
  );
  // As if cancelled before: `done` would tell the host that the guest has heard.
  await deleteRunning(db, stale.map(taskRef));
  for (const { task, reason } of refused) await tryLater(deps, task, reason);
  const [first] = unanswered;
  if (first === undefined) return;
  await putBack(
    deps,
    unanswered.map(({ task }) => task),
  );
  throw first.error;
}

async function sendMessages(deps: DispatcherDeps, tasks: readonly TaskRow[]): Promise<HandedOut> {
  const { messages, stale, refused } = await compose(deps, tasks);
  const { failed, unanswered } = await deps.publisher.publish(
    messages.map(({ event }) => event),
    new Map(messages.map(({ task, event }) => [event.id, contextOf(task)])),
  );
  return {
    messages: messages.filter(({ event }) => !failed.has(event.id)),
    stale,
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

/** Writes the message of each task, those of a kind together. Throws when what they are made of is away. */
async function compose(deps: DispatcherDeps, tasks: readonly TaskRow[]): Promise<HandedOut> {
  const composed: HandedOut = { messages: [], stale: [], refused: [], unanswered: [] };
  for (const [name, ofKind] of Map.groupBy(tasks, ({ kind }) => kind)) {
    const kind = taskKinds.get(name);
    if (kind?.destination !== 'mails') {
      composed.messages.push(...ofKind.map((task) => ({ task, event: dueEvent(deps, task) })));
      continue;
    }
    try {
      const mails = await kind.compose(deps, ofKind);
      for (const task of ofKind) {
        const mail = mails.get(taskKey(task));
        if (mail === undefined) composed.stale.push(task);
        else composed.messages.push({ task, event: mailEvent(deps, task, mail) });
      }
    } catch (error) {
      if (isOutage(error)) throw error;
      deps.logger.error({ err: error, kind: name }, 'a mail cannot be composed');
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
    // The mailer sends a mail of one id once: whatever is handed out again, a guest hears it once.
    id: v5(`${bytesToUuid(task.id)}:${task.generation}`, mailNamespace),
    source: '/queue',
    type: 'mail.requested',
    subject: bytesToUuid(task.party_id ?? task.id),
    time: clock.now().toISOString(),
    data: { ...mail, task: taskRef(task) },
  });
}

/** Nothing was sent, so that was no attempt. Should MySQL be what is away, the lease brings them back. */
async function putBack({ db, clock, logger }: DispatcherDeps, tasks: readonly TaskRow[]) {
  try {
    await changeRunning(db, tasks.map(taskRef), {
      state: 'scheduled',
      attempts: sql<number>`attempts - 1`,
      lease_until: null,
      updated_at: clock.now(),
    });
  } catch (error) {
    logger.warn({ err: error }, 'tasks wait for their lease to end');
  }
}

/** What SQS refuses holds up nothing else; it is tried again with growing pauses, and fails in the end. */
async function tryLater(deps: DispatcherDeps, task: TaskRow, reason: string): Promise<void> {
  const { db, clock, logger } = deps;
  const now = clock.now();
  const ref = taskRef(task);
  logger.error({ taskId: ref.taskId, kind: task.kind, reason }, 'a task cannot be handed out');
  const error = reason.slice(0, errorLengthMax);
  // Not its attempts, which also count what was lost, failed at its work, or was retried by a manager.
  const refusals = task.refusals + 1;
  if (refusals >= refusalsMax) {
    await finishTasks(db, now, [{ task: ref, outcome: 'failed', error }]);
    return;
  }
  const delayMs = backoffMs(refusals, { firstMs: 1_000, maxMs: refusalDelayMaxMs });
  await changeRunning(db, [ref], {
    state: 'scheduled',
    refusals,
    last_error: error,
    run_at: new Date(now.getTime() + delayMs),
    lease_until: null,
    updated_at: now,
  });
}
