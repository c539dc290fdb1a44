import { type Event, type EventType, partyEventTypes } from '@queue-manager/contracts/events';

const fifoSuffix = '.fifo';

type QueueSettings = {
  /** Deliveries before a message becomes a dead letter. */
  readonly maxReceiveCount: number;
  /** How long a received message is hidden from others; a running handler extends it. */
  readonly visibilityTimeoutSeconds: number;
  /**
   * Long-polling time of a receive, and the time that a stop may take: a stopping consumer waits for its last
   * receive, since SQS may send messages to a connection that was cut. At 2 s, the empty receives of one consumer
   * cost about half a dollar a month.
   */
  readonly waitSeconds: number;
  readonly retentionDays: number;
};

const defaults = {
  maxReceiveCount: 3,
  visibilityTimeoutSeconds: 30,
  waitSeconds: 2,
  retentionDays: 4,
} as const satisfies QueueSettings;

/**
 * Every SQS queue of the system, each with a dead-letter queue. Provisioning creates them from this table
 * everywhere. The names of FIFO queues end in `.fifo`, as SQS wants it.
 */
export const queues = {
  'position-events': defaults,
  'queue-events': defaults,
  'auth-events': defaults,
  tasks: defaults,
  'task-results': defaults,
  mails: defaults,
  'alert-mails': defaults,
  // A message is received and released again with one that fails before it in its group.
  'broker-events.fifo': { ...defaults, maxReceiveCount: 100 },
  // An outage of the external API must not break the order: the forwarder makes the dead letters.
  'contacts.fifo': { ...defaults, maxReceiveCount: 1_000, retentionDays: 14 },
} as const satisfies Record<string, QueueSettings>;

export type QueueName = keyof typeof queues;

export const queueNames = Object.keys(queues) as QueueName[];

export type FifoQueueName = Extract<QueueName, `${string}.fifo`>;

/** Events of one group are delivered in order, one at a time. */
export const fifoGroups: Record<FifoQueueName, (event: Event) => string> = {
  'broker-events.fifo': ({ subject }) => subject,
  'contacts.fifo': () => 'contacts',
};

export function isFifo(queue: QueueName): queue is FifoQueueName {
  return queue.endsWith(fifoSuffix);
}

/** A message keeps its age when SQS moves it to a dead-letter queue, so this is the maximum of SQS. */
export const deadLetterRetentionDays = 14;

/** The queues that receive each event type. */
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
  'party.undone': ['position-events'],
  'queue.changed': ['position-events'],
  'occupancy.changed': ['position-events'],
  'venue.deleted': ['queue-events', 'broker-events.fifo'],
  'user.verified': [],
  'contact.added': ['contacts.fifo'],
  'user.deleted': ['queue-events', 'auth-events'],
  'mail.requested': ['mails'],
  'task.due': ['tasks'],
  'task.finished': ['task-results'],
  // Alerts go to the SNS topic; `alert-mails` subscribes to it.
  'alert.raised': [],
};

/** Receives the events of the queues of venues with a feed, by cursors of its own instead of the outbox. */
export const venueFeed = {
  queue: 'broker-events.fifo',
  types: [...partyEventTypes, 'queue.changed'],
} as const satisfies { queue: QueueName; types: readonly EventType[] };

/** The name of a queue in SQS. `prefix` separates systems that share an account. */
export function brokerName(prefix: string, queue: QueueName): string {
  return `${prefix}${queue}`;
}

/** The name of a queue's dead-letter queue in SQS. */
export function deadLetterName(prefix: string, queue: QueueName): string {
  const suffix = isFifo(queue) ? fifoSuffix : '';
  return `${prefix}${queue.slice(0, queue.length - suffix.length)}-dlq${suffix}`;
}

/** The SNS topic for alerts to the operator, and the queues of this system that subscribe to it. */
export const alertTopic = { name: 'alerts', subscribers: ['alert-mails'] } as const satisfies {
  name: string;
  subscribers: readonly QueueName[];
};

/** The name of the alerts' topic in SNS. */
export function alertTopicName(prefix: string): string {
  return `${prefix}${alertTopic.name}`;
}
