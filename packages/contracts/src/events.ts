import { z } from 'zod';
import { Lane, PartySource, PartyState } from './parties.ts';
import { BoardLabels, QueueState } from './queues.ts';
import { Email, Locale, OrderKeyHex, PartySize, Timestamp, Uuid } from './values.ts';
import { Role } from './venues.ts';

/** Who made a change: ids only, never names. `system` is a timer or a rule. */
export const Actor = z
  .object({
    kind: z.enum(['staff', 'guest', 'system']),
    userId: Uuid.optional().meta({ description: 'The account, if staff made the change' }),
  })
  .meta({ id: 'Actor', description: 'Who made a change; `system` is a timer or a rule' });
export type Actor = z.infer<typeof Actor>;

/**
 * A party after a change, with everything a projection needs: any single event carries the party's whole state as
 * of its `seq`. No name, contact or note.
 */
export const PartySnapshot = z.object({
  partyId: Uuid,
  seq: z.int(),
  state: PartyState,
  lane: Lane,
  orderKey: OrderKeyHex,
  number: z.int(),
  size: PartySize,
  source: PartySource,
  calls: z.int(),
  joinedAt: Timestamp,
  calledAt: Timestamp.nullable(),
  confirmedAt: Timestamp.nullable(),
  seatedAt: Timestamp.nullable(),
  departedAt: Timestamp.nullable(),
  endedAt: Timestamp.nullable(),
});
export type PartySnapshot = z.infer<typeof PartySnapshot>;

/** A queue after a change. */
export const QueueSnapshot = z
  .object({
    seq: z.int(),
    name: z.string(),
    state: QueueState,
    boardLabels: BoardLabels,
    deleted: z.boolean(),
  })
  .meta({ id: 'QueueSnapshot' });
export type QueueSnapshot = z.infer<typeof QueueSnapshot>;

/** An event of a party that was taken back. */
export const UndoneEvent = z.object({ seq: z.int(), type: z.string() });

const PartyEventData = z.object({
  venueId: Uuid,
  queueId: Uuid,
  previousState: PartyState.nullable(),
  /** Only if this changed the size. */
  previousSize: PartySize.optional(),
  party: PartySnapshot,
  actor: Actor,
  /** The position a party was moved to, as counted when it was moved. */
  position: z.int().optional(),
  /** A manager admitted this party beyond the venue's capacity. */
  override: z.literal(true).optional(),
  /** The event that `party.undone` takes back. */
  undone: UndoneEvent.optional(),
});
export type PartyEventData = z.infer<typeof PartyEventData>;

const QueueChangedData = z.object({
  venueId: Uuid,
  queueId: Uuid,
  queue: QueueSnapshot,
  actor: Actor,
});
export type QueueChangedData = z.infer<typeof QueueChangedData>;

/** A venue's occupancy after a change that is no event of a queue: a count at the door, or another capacity. */
const OccupancyChangedData = z.object({
  venueId: Uuid,
  seq: z.int(),
  occupancy: z.int(),
  capacity: z.int().nullable(),
  actor: Actor,
});

const UserData = z.object({ userId: Uuid });

/** A new verified account, for the external API. It holds personal data: every try must send the same. */
const ContactData = z.object({
  userId: Uuid,
  name: z.string(),
  email: Email,
  locale: Locale,
  createdAt: Timestamp,
  verifiedAt: Timestamp,
});
export type ContactData = z.infer<typeof ContactData>;

/** A task as messages refer to it. `attempt` tells one hand-out of a task from the earlier ones. */
export const TaskRef = z.object({ venueId: Uuid, taskId: Uuid, attempt: z.int().min(1) });
export type TaskRef = z.infer<typeof TaskRef>;

/** A task that is due, for the service that handles its kind. */
const TaskDueData = z.object({
  task: TaskRef,
  kind: z.string(),
  queueId: Uuid.nullable(),
  partyId: Uuid.nullable(),
  payload: z.record(z.string(), z.json()),
});
export type TaskDueData = z.infer<typeof TaskDueData>;

/**
 * The outcome of one attempt. Managers read `error`, which says why it failed or was skipped and holds no personal data.
 */
const TaskFinishedData = z.object({
  task: TaskRef,
  outcome: z.enum(['done', 'skipped', 'failed']),
  error: z.string().max(1_000).nullable(),
});
export type TaskFinishedData = z.infer<typeof TaskFinishedData>;

/** A queue that needs the operator: how many messages it holds, and details of some of them. */
const alertFacts = {
  /** `stopped`: messages wait in the queue, since its consumer cannot go on. By default, they are dead letters. */
  kind: z.enum(['dead-letters', 'stopped']).optional(),
  queue: z.string(),
  count: z.int(),
  firstError: z.string().nullable(),
  messageIds: z.array(z.string()),
};

/** What every mail to a party contains. */
const partyMail = {
  name: z.string(),
  number: z.int(),
  venueName: z.string(),
  queueName: z.string(),
  link: z.url(),
  /** Stops all mails of the venue to this address; missing in messages of the version before. */
  unsubscribeLink: z.url().optional(),
};

/** The content of a mail. The sender's configuration sets the base of `link`. */
export const MailContent = z.discriminatedUnion('template', [
  z.object({ template: z.literal('verify-account'), name: z.string(), link: z.url() }),
  z.object({ template: z.literal('account-exists'), name: z.string(), link: z.url() }),
  z.object({ template: z.literal('reset-password'), name: z.string(), link: z.url() }),
  z.object({
    template: z.literal('venue-invitation'),
    venueName: z.string(),
    role: Role,
    link: z.url(),
  }),
  z.object({ template: z.literal('party-joined'), ...partyMail }),
  z.object({ template: z.literal('party-almost-there'), ...partyMail }),
  z.object({ template: z.literal('party-called'), graceSeconds: z.int(), ...partyMail }),
  z.object({ template: z.literal('party-recalled'), graceSeconds: z.int(), ...partyMail }),
  z.object({ template: z.literal('party-no-show'), ...partyMail }),
  z.object({ template: z.literal('party-removed'), lineClosed: z.boolean(), ...partyMail }),
  z.object({ template: z.literal('party-restored'), ...partyMail }),
  z.object({ template: z.literal('operator-alert'), ...alertFacts }),
]);
export type MailContent = z.infer<typeof MailContent>;

/** It holds personal data: the mailer has no store to look it up in. */
const MailRequestedData = z.object({
  to: Email,
  locale: Locale,
  content: MailContent,
  /**
   * Mails to one party are sent in the order of the changes that they tell of, named by the queue's `seq`. An older one is
   * skipped once a newer one was sent.
   */
  order: z.object({ partyId: Uuid, seq: z.int() }).optional(),
  /** The account of a new venue, and how many addresses all its new venues may mail in 24 hours. */
  newSender: z.object({ id: Uuid, recipientsOfDayMax: z.int() }).optional(),
  /** The task that awaits the outcome; account mails have none. */
  task: TaskRef.optional(),
});
export type MailRequestedData = z.infer<typeof MailRequestedData>;

/** Every event type with its version and the schema of its `data`. Within a version, only add. */
export const eventTypes = {
  'party.joined': { version: 1, data: PartyEventData },
  'party.called': { version: 1, data: PartyEventData },
  'party.confirmed': { version: 1, data: PartyEventData },
  'party.moved': { version: 1, data: PartyEventData },
  'party.changed': { version: 1, data: PartyEventData },
  'party.seated': { version: 1, data: PartyEventData },
  'party.departed': { version: 1, data: PartyEventData },
  'party.no-show': { version: 1, data: PartyEventData },
  'party.left': { version: 1, data: PartyEventData },
  'party.removed': { version: 1, data: PartyEventData },
  'party.restored': { version: 1, data: PartyEventData },
  'party.undone': { version: 1, data: PartyEventData },
  'queue.changed': { version: 1, data: QueueChangedData },
  'occupancy.changed': { version: 1, data: OccupancyChangedData },
  'venue.deleted': { version: 1, data: z.object({ venueId: Uuid }) },
  'user.verified': { version: 1, data: UserData },
  'contact.added': { version: 1, data: ContactData },
  'user.deleted': { version: 1, data: UserData },
  'mail.requested': { version: 1, data: MailRequestedData },
  'task.due': { version: 1, data: TaskDueData },
  'task.finished': { version: 1, data: TaskFinishedData },
  'alert.raised': { version: 1, data: z.object(alertFacts) },
} as const satisfies Record<string, { version: number; data: z.ZodType }>;

export type EventType = keyof typeof eventTypes;
export type EventData<T extends EventType> = z.infer<(typeof eventTypes)[T]['data']>;

export type PartyEventType = Extract<EventType, `party.${string}`>;

export const partyEventTypes = (Object.keys(eventTypes) as EventType[]).filter(
  (type): type is PartyEventType => type.startsWith('party.'),
);

const schemaBase = 'https://queue-manager.dev/events/';

/** The `dataschema` of the type's current version. */
function dataSchemaOf(type: EventType): string {
  return `${schemaBase}${type}/${eventTypes[type].version}`;
}

const envelope = <const T extends EventType>(type: T) =>
  z.object({
    specversion: z.literal('1.0'),
    id: Uuid,
    source: z.string(),
    type: z.literal(type),
    subject: z.string(),
    time: Timestamp,
    dataschema: z.literal(dataSchemaOf(type)),
    datacontenttype: z.literal('application/json'),
    data: eventTypes[type].data as (typeof eventTypes)[T]['data'],
  });

/** The CloudEvents 1.0 envelope of one type. */
export type EventOf<T extends EventType> = T extends EventType
  ? {
      specversion: '1.0';
      id: string;
      source: string;
      type: T;
      subject: string;
      time: string;
      dataschema: string;
      datacontenttype: 'application/json';
      data: EventData<T>;
    }
  : never;

export type Event = EventOf<EventType>;

const envelopes = Object.fromEntries(
  (Object.keys(eventTypes) as EventType[]).map((type) => [type, envelope(type)]),
) as unknown as { [T in EventType]: z.ZodType<EventOf<T>> };

/** The schema of an event type's whole envelope. */
export function eventSchema<T extends EventType>(type: T): z.ZodType<EventOf<T>> {
  return envelopes[type] as unknown as z.ZodType<EventOf<T>>;
}

/** Narrows an untrusted value to a known event type. */
export function isEventType(type: unknown): type is EventType {
  return typeof type === 'string' && Object.hasOwn(eventTypes, type);
}

/** Wraps data in its envelope: `subject` is the id of what the event is about, `source` a service such as `/queue`. */
export function makeEvent<T extends EventType>(event: {
  id: string;
  source: string;
  type: T;
  subject: string;
  time: string;
  data: EventData<T>;
}): EventOf<T> {
  return {
    specversion: '1.0',
    datacontenttype: 'application/json',
    dataschema: dataSchemaOf(event.type),
    ...event,
  } as EventOf<T>;
}
