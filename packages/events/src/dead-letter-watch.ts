import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { makeEvent, type TaskRef } from '@queue-manager/contracts/events';
import type { Clock } from '@queue-manager/service-kit/clock';
import { hourMs } from '@queue-manager/service-kit/durations';
import { newId } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { createAlerts } from './alerts.ts';
import { createDeadLetters, type DeadLetter } from './dead-letters.ts';
import { readEvent } from './read-event.ts';
import { type QueueName, queueNames } from './topology.ts';

/** State of raised alerts, shared by all instances of the watch. */
export type AlertLedger = {
  /**
   * Claims the alert for a queue. Returns true to one caller, when the queue has had no alert within
   * `alertRepeatMs` and no claim within `claimMs` before `now`.
   */
  claim(queue: QueueName, now: Date): Promise<boolean>;
  /** Records that the claimed alert was published at `now`. */
  raised(queue: QueueName, now: Date): Promise<void>;
  /** Clears a queue's alert and claim, so that the next claim succeeds. */
  emptied(queue: QueueName): Promise<void>;
};

/** An alert is repeated after this long, unless the queue was emptied. */
export const alertRepeatMs = hourMs;

/** How long a claim lasts: the time to publish the alert. */
export const claimMs = 60_000;

type DeadLetterWatch = {
  start(): void;
  /** Resolves when the current check has ended. */
  stop(): Promise<void>;
  /** Checks every queue once. Never throws: failures are logged, and the next check tries again. */
  check(): Promise<void>;
  /** Number of dead letters at the last check, by queue. */
  counts(): ReadonlyMap<QueueName, number>;
};

export type DeadLetterWatchOptions = {
  sqs: SQSClient;
  prefix: string;
  clock: Clock;
  logger: Logger;
  /** Interval between checks. */
  everyMs: number;
  /** The alerts' topic, and the ledger that keeps instances from raising the same alert. Without, none is raised. */
  alerts?: { sns: SNSClient; ledger: AlertLedger };
  /**
   * Called for the task of each message that SQS moved because its consumer was killed every time, so that no
   * consumer reported it. May be called several times for one attempt of a task, by each instance, and for a task
   * that finished after all.
   */
  onTaskLost?: (task: TaskRef, error: string) => Promise<void>;
};

const killedText = 'The service was killed while processing this message';

/** Long enough to read the next batch without repeats, short enough not to bother an operator. */
const hiddenSeconds = 2;
/** Dead letters read per check. Tasks of further ones are found when their leases expire. */
const readMax = 200;
/** Message ids in an alert. */
const namedMax = 10;

/**
 * Checks the dead-letter queue of every queue periodically, and raises an alert when one is no longer empty: once
 * for all instances, and again after an hour, or after two checks in a row found it empty. Alerts are delivered at
 * least once: when an instance dies before it published a claimed alert, another raises it a minute later. Reports
 * the tasks of messages that SQS moved to `onTaskLost`.
 */
export function createDeadLetterWatch(options: DeadLetterWatchOptions): DeadLetterWatch {
  const { sqs, prefix, clock, logger, everyMs, onTaskLost } = options;
  const deadLetters = createDeadLetters({ sqs, prefix });
  const alerts = options.alerts && createAlerts({ sns: options.alerts.sns, prefix });
  const ledger = options.alerts?.ledger;
  /** Number of dead letters at the last read, by queue. */
  const lastCounts = new Map<QueueName, number>();
  /** Checks in a row that found none, by queue. */
  const emptyChecks = new Map<QueueName, number>();
  /** Messages whose tasks were reported, by queue. */
  const reported = new Map<QueueName, Set<string>>();
  let isFailing = false;
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;
  let checking: Promise<void> = Promise.resolve();

  const raise = async (queue: QueueName, count: number, letters: readonly DeadLetter[]) => {
    const [first] = letters;
    const time = clock.now().toISOString();
    await alerts?.publish(
      makeEvent({
        id: newId(clock),
        source: '/dead-letter-watch',
        type: 'alert.raised',
        subject: queue,
        time,
        data: {
          queue,
          count,
          firstError: first === undefined ? null : (first.failure?.error ?? killedText),
          messageIds: letters.slice(0, namedMax).map(({ messageId }) => messageId),
        },
      }),
    );
    logger.warn({ queue, count }, 'dead letters found: alert raised');
  };

  const reportLost = async (queue: QueueName, letters: readonly DeadLetter[]) => {
    const known = reported.get(queue) ?? new Set();
    const present = new Set<string>();
    reported.set(queue, present);
    for (const { messageId, failure, body } of letters) {
      if (failure !== undefined) continue;
      const task = known.has(messageId) ? undefined : taskIn(body);
      if (task !== undefined) await onTaskLost?.(task, killedText);
      present.add(messageId);
    }
  };

  const checkQueue = async (queue: QueueName) => {
    const count = await deadLetters.count(queue);
    const before = lastCounts.get(queue);
    if (count === 0) {
      // Counts are approximate: a momentary 0 must not raise the same alert again.
      const emptyBefore = emptyChecks.get(queue) ?? 0;
      if (emptyBefore === 1) {
        await ledger?.emptied(queue);
        lastCounts.set(queue, 0);
        reported.delete(queue);
      }
      emptyChecks.set(queue, emptyBefore + 1);
      return;
    }
    emptyChecks.delete(queue);
    const isClaimed = (await ledger?.claim(queue, clock.now())) ?? false;
    if (!isClaimed && count === before) return;
    let letters: DeadLetter[];
    try {
      letters = await deadLetters.read(queue, { most: readMax, hiddenSeconds });
      letters.sort(byFailure);
      if (isClaimed) await raise(queue, count, letters);
    } catch (error) {
      if (isClaimed) await ledger?.emptied(queue);
      throw error;
    }
    if (isClaimed) await ledger?.raised(queue, clock.now());
    await reportLost(queue, letters);
    lastCounts.set(queue, count);
  };

  const check = async () => {
    const results = await Promise.allSettled(queueNames.map(checkQueue));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined && !isFailing) {
      logger.warn({ err: failed.reason }, 'cannot check the dead letters: retrying');
    }
    if (failed === undefined && isFailing) logger.info('the dead letters are checked again');
    isFailing = failed !== undefined;
  };

  const checkAndSchedule = async () => {
    await check();
    if (isRunning) timer = setTimeout(run, everyMs);
  };
  const run = () => {
    checking = checkAndSchedule();
  };

  return {
    check,
    counts: () => lastCounts,
    start() {
      if (isRunning) return;
      isRunning = true;
      run();
    },
    async stop() {
      isRunning = false;
      clearTimeout(timer);
      await checking;
    },
  };
}

/** By time of failure; messages that SQS moved come last, since their time is unknown. */
function byFailure(one: DeadLetter, other: DeadLetter): number {
  const [first = '~', second = '~'] = [one.failure?.failedAt, other.failure?.failedAt];
  return first < second ? -1 : Number(first > second);
}

/** The task that a message hands out. `task.finished` names a task, too, but only reports its outcome. */
function taskIn(body: string): TaskRef | undefined {
  try {
    const event = readEvent(body);
    if (event.type === 'task.due' || event.type === 'mail.requested') return event.data.task;
    return undefined;
  } catch {
    return undefined;
  }
}
