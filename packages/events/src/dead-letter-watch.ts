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

/** What all instances of the watch know together of the alerts that were raised. */
export type AlertLedger = {
  /**
   * Takes it upon the caller to raise the alert for a queue: true for one caller alone when neither an alert
   * of less than `alertRepeatMs` before `now` stands for the queue, nor a claim of less than `claimMs`.
   */
  claim(queue: QueueName, now: Date): Promise<boolean>;
  /** Says that the alert that was claimed is published: it stands from `now`. */
  raised(queue: QueueName, now: Date): Promise<void>;
  /** Ends what stands for a queue, so that the next claim is granted. */
  emptied(queue: QueueName): Promise<void>;
};

/** How long after an alert its queue, not emptied since, raises the next one. */
export const alertRepeatMs = hourMs;

/** How long whoever claimed an alert has to publish it, before another may. */
export const claimMs = 60_000;

export type DeadLetterWatch = {
  start(): void;
  /** Resolves when the look that is under way has ended. */
  stop(): Promise<void>;
  /** Looks at every queue once. Throws nothing; what went wrong is logged and looked at again next time. */
  look(): Promise<void>;
};

export type DeadLetterWatchOptions = {
  sqs: SQSClient;
  prefix: string;
  clock: Clock;
  logger: Logger;
  /** Between two looks, in milliseconds. */
  everyMs: number;
  /** Where alerts go, and what keeps several instances from raising the same one. Without, none is raised. */
  alerts?: { sns: SNSClient; ledger: AlertLedger };
  /**
   * Called for the task of each message that nobody finished, since its consumer was killed at work on it
   * every time: it can have told nobody. May be called several times for the same attempt of a task, by
   * each instance, and for one that was finished after all.
   */
  onTaskLost?: (task: TaskRef, error: string) => Promise<void>;
};

const killedText = 'The service was killed while at work on this';

/** Long enough to read on without meeting the same again, short enough for an operator not to notice. */
const hiddenSeconds = 2;
/** How many are looked into at once; the leases of tasks see to what is beyond. */
const readMost = 200;
/** How many an alert names. */
const namedMost = 10;

/**
 * Looks at the dead-letter queue of every queue again and again. When one stops being empty, it raises an
 * alert: once, however many instances watch, and again when an hour has passed or when it was emptied in
 * between, which two looks in a row must find. An alert comes twice rather than never: when its watch dies
 * before it has published it, another does so a minute later. What SQS moved there by itself is reported to `onTaskLost`.
 */
export function createDeadLetterWatch(options: DeadLetterWatchOptions): DeadLetterWatch {
  const { sqs, prefix, clock, logger, everyMs, onTaskLost } = options;
  const deadLetters = createDeadLetters({ sqs, prefix });
  const alerts = options.alerts && createAlerts({ sns: options.alerts.sns, prefix });
  const ledger = options.alerts?.ledger;
  /** How many there were when they were last read, by queue. */
  const lastCounts = new Map<QueueName, number>();
  /** Looks in a row that found none, by queue. */
  const emptyLooks = new Map<QueueName, number>();
  /** Messages whose tasks were reported, by queue. */
  const reported = new Map<QueueName, Set<string>>();
  let isFailing = false;
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;
  let looking: Promise<void> = Promise.resolve();

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
          messageIds: letters.slice(0, namedMost).map(({ messageId }) => messageId),
        },
      }),
    );
    logger.warn({ queue, count }, 'there are dead letters: alert raised');
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

  const lookAt = async (queue: QueueName) => {
    const count = await deadLetters.count(queue);
    const before = lastCounts.get(queue);
    if (count === 0) {
      // Counts are approximate: one that is 0 for a moment must not raise the same alert again.
      const emptyBefore = emptyLooks.get(queue) ?? 0;
      if (emptyBefore === 1) {
        await ledger?.emptied(queue);
        lastCounts.set(queue, 0);
        reported.delete(queue);
      }
      emptyLooks.set(queue, emptyBefore + 1);
      return;
    }
    emptyLooks.delete(queue);
    const isClaimed = (await ledger?.claim(queue, clock.now())) ?? false;
    if (!isClaimed && count === before) return;
    let letters: DeadLetter[];
    try {
      letters = await deadLetters.read(queue, { most: readMost, hiddenSeconds });
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

  const look = async () => {
    const looks = await Promise.allSettled(queueNames.map(lookAt));
    const failed = looks.find((one) => one.status === 'rejected');
    if (failed !== undefined && !isFailing) {
      logger.warn({ err: failed.reason }, 'cannot watch the dead letters: trying until it works');
    }
    if (failed === undefined && isFailing) logger.info('the dead letters are watched again');
    isFailing = failed !== undefined;
  };

  const lookAndWait = async () => {
    await look();
    if (isRunning) timer = setTimeout(run, everyMs);
  };
  const run = () => {
    looking = lookAndWait();
  };

  return {
    look,
    start() {
      if (isRunning) return;
      isRunning = true;
      run();
    },
    async stop() {
      isRunning = false;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** First what failed first; what nobody finished comes last, as no one knows when. */
function byFailure(one: DeadLetter, other: DeadLetter): number {
  const [first = '~', second = '~'] = [one.failure?.failedAt, other.failure?.failedAt];
  return first < second ? -1 : Number(first > second);
}

/** The task that a message hands out. A message that tells of a task's end names one too, but is not it. */
function taskIn(body: string): TaskRef | undefined {
  try {
    const event = readEvent(body);
    if (event.type === 'task.due' || event.type === 'mail.requested') return event.data.task;
    return undefined;
  } catch {
    return undefined;
  }
}
