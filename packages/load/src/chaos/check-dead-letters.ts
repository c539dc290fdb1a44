import type { DeadLetter } from '@queue-manager/events/dead-letters';
import { type QueueName, queues } from '@queue-manager/events/topology';
import type { Violation } from './ledger.ts';

/** The service that handles the messages of each queue. */
const consumers: Record<QueueName, string> = {
  'position-events': 'position',
  'queue-events': 'queue',
  'auth-events': 'auth',
  tasks: 'queue',
  'task-results': 'queue',
  mails: 'mailer',
  'alert-mails': 'mailer',
  'broker-events.fifo': 'broker',
  'contacts.fifo': 'forwarder',
};

/**
 * Dead letters that the run cannot explain. Two it can, if there were as many interruptions as a message has deliveries:
 * SQS moved one whose consumer was interrupted each time, or the inbox was while it took a mail.
 *
 * @param interruptions how often each store and service was killed, silent or slow.
 */
export function checkDeadLetters(
  deadLetters: ReadonlyMap<QueueName, readonly DeadLetter[]>,
  interruptions: ReadonlyMap<string, number>,
): Violation[] {
  return [...deadLetters].flatMap(([queue, letters]) => {
    const isExplainedBy = (...names: string[]) =>
      names.some((name) => (interruptions.get(name) ?? 0) >= queues[queue].maxReceiveCount);
    return letters.flatMap(({ type = 'an unreadable message', failure }) => {
      const isExplained =
        failure === undefined
          ? isExplainedBy(consumers[queue], 'sqs')
          : queue === 'mails' && isExplainedBy('mail');
      if (isExplained) return [];
      const why = failure?.error ?? 'no consumer finished it';
      return { what: `a dead letter in ${queue}: ${type}: ${why}`, atMs: null };
    });
  });
}
