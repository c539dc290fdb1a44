import type { EventType } from '@queue-manager/contracts/events';

/** What a queue does with a message that nobody finishes. */
export type QueueSettings = {
  /** Deliveries before a message goes to the dead-letter queue. */
  readonly maxReceiveCount: number;
  /** How long a received message is hidden from others; a consumer at work extends it. */
  readonly visibilityTimeoutSeconds: number;
  /**
   * How long a receive waits for a message. A stopping consumer lets its last receive run out, since SQS may
   * hand a message to a connection that was cut: so this is also how long a stop may take. Empty receives
   * of one consumer cost about half a dollar a month at 2 s.
   */
  readonly waitSeconds: number;
  readonly retentionDays: number;
};

const usual = {
  maxReceiveCount: 3,
  visibilityTimeoutSeconds: 30,
  waitSeconds: 2,
  retentionDays: 4,
} as const satisfies QueueSettings;

/**
 * Every SQS queue of the system. Local stack, containers and cloud all make theirs from this table, each with
 * a dead-letter queue beside it.
 */
export const queues = {
  'position-events': usual,
  'queue-events': usual,
  'auth-events': usual,
  tasks: usual,
  'task-results': usual,
  mails: usual,
  'alert-mails': usual,
} as const satisfies Record<string, QueueSettings>;

export type QueueName = keyof typeof queues;

export const queueNames = Object.keys(queues) as QueueName[];

/** A message keeps its age when it moves to a dead-letter queue, so these keep as long as SQS can. */
export const deadLetterRetentionDays = 14;

/** Who receives what. A type without a queue is sent to nobody. */
export const routes: Record<EventType, readonly QueueName[]> = {
  'party.joined': ['position-events'],
  'party.called': ['position-events'],
  'party.moved': ['position-events'],
  'party.confirmed': ['position-events'],
  'party.changed': ['position-events'],
  'party.seated': ['position-events'],
  'party.departed': ['position-events'],
  'party.no-show': ['position-events'],
  'party.left': ['position-events'],
  'party.removed': ['position-events'],
  'party.restored': ['position-events'],
  'queue.changed': ['position-events'],
  'venue.deleted': ['queue-events'],
  'user.verified': [],
  'user.deleted': ['queue-events', 'auth-events'],
  'mail.requested': ['mails'],
  'task.due': ['tasks'],
  'task.finished': ['task-results'],
  // Alerts go to the SNS topic; `alert-mails` subscribes to it.
  'alert.raised': [],
};

/** The name of a queue at the broker. `prefix` keeps systems that share a broker apart. */
export function brokerName(prefix: string, queue: QueueName): string {
  return `${prefix}${queue}`;
}

/** The name at the broker of the queue that takes what nobody could handle. */
export function deadLetterName(prefix: string, queue: QueueName): string {
  return `${brokerName(prefix, queue)}-dlq`;
}

/** The SNS topic for what an operator must hear of, and the queues of this system that subscribe to it. */
export const alertTopic = { name: 'alerts', subscribers: ['alert-mails'] } as const satisfies {
  name: string;
  subscribers: readonly QueueName[];
};

/** The name at the broker of the topic for alerts. */
export function alertTopicName(prefix: string): string {
  return `${prefix}${alertTopic.name}`;
}
