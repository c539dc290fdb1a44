import type { PartyEventType } from '@queue-manager/contracts/events';
import type { PartySource, PartyState } from '@queue-manager/contracts/parties';
import type { BoardLabels, QueueState } from '@queue-manager/contracts/queues';
import type { TaskState } from '@queue-manager/contracts/tasks';
import type { Role } from '@queue-manager/contracts/venues';
import type { Generated, Selectable } from 'kysely';

/*
 * The tables as Kysely sees them. Ids are the 16 bytes of a UUID, times are UTC, booleans are 0 or 1, and JSON is text
 * (see `database.ts`).
 */

export type Tables = {
  accounts: AccountTable;
  venues: VenueTable;
  members: MemberTable;
  invitations: InvitationTable;
  invitation_sends: InvitationSendTable;
  api_keys: ApiKeyTable;
  occupancy_changes: OccupancyChangeTable;
  queues: QueueTable;
  parties: PartyTable;
  quotes: QuoteTable;
  personal: PersonalTable;
  events: EventTable;
  reasons: ReasonTable;
  old_persons: OldPersonTable;
  backdated_joins: BackdatedJoinTable;
  feed_cursors: FeedCursorTable;
  models: ModelTable;
  outbox: OutboxTable;
  idempotency_keys: IdempotencyTable;
  tasks: TaskTable;
  alerts: AlertTable;
  unsubscribes: UnsubscribeTable;
  write_checks: { id: number; checked_at: Date };
};

/** How far the events of a queue were sent to the broker; only queues of venues with a feed have one. */
export type FeedCursorTable = {
  venue_id: Buffer;
  queue_id: Buffer;
  seq: number;
  /** Until then, one instance sends. */
  leased_until: Date;
};

type AccountTable = {
  user_id: Buffer;
  deleted_at: Date | null;
};

type VenueTable = {
  id: Buffer;
  name: string;
  timezone: string;
  locale: string;
  capacity: number | null;
  occupancy: Generated<number>;
  /** Sequence number of the last change of `occupancy`. */
  occupancy_seq: Generated<number>;
  day_starts_at: string;
  retention_days: number;
  /** `#rrggbb` */
  accent_color: Generated<string | null>;
  /** Whether the events of its queues are sent to its message queue. */
  feed: Generated<number>;
  /** When data older than `retention_days` is erased next. */
  retention_due_at: Generated<Date>;
  created_at: Date;
  /** The account that created it; null for venues from before this was kept. */
  created_by: Generated<Buffer | null>;
  deleted_at: Date | null;
};

type MemberTable = {
  venue_id: Buffer;
  user_id: Buffer;
  role: Role;
  since: Date;
};

/** An open invitation. */
export type InvitationTable = {
  venue_id: Buffer;
  id: Buffer;
  email: string;
  /** Normalised e-mail, unique per venue. */
  email_key: string;
  role: Role;
  invited_by: Buffer;
  created_at: Date;
  expires_at: Date;
};

/** An invitation mail that an account sent. Outlives the invitation. */
type InvitationSendTable = {
  user_id: Buffer;
  /** Id of the invitation. */
  id: Buffer;
  sent_at: Date;
};

export type ApiKeyTable = {
  venue_id: Buffer;
  id: Buffer;
  name: string;
  secret_hash: Buffer;
  created_by: Buffer;
  created_at: Date;
};

/** A change of a venue's occupancy. */
type OccupancyChangeTable = {
  venue_id: Buffer;
  id: Buffer;
  /** Gap-free number per venue, in the order of the commits. */
  seq: number;
  time: Date;
  delta: number;
  /** After the change. */
  occupancy: number;
  queue_id: Buffer | null;
  party_id: Buffer | null;
  /** JSON */
  actor: string;
  override: number;
  /** Free text, erased with the personal data. */
  reason: string | null;
};

export type QueueTable = {
  venue_id: Buffer;
  id: Buffer;
  name: string;
  text: string | null;
  end_message: string | null;
  state: QueueState;
  join_code: string;
  max_waiting: number | null;
  max_party_size: number;
  call_grace_seconds: number;
  self_join: number;
  board_labels: BoardLabels;
  /** Sequence number of the line's last event. */
  seq: number;
  waiting: Generated<number>;
  called: Generated<number>;
  /** The greatest order key so far; the next party to join gets a greater one. */
  tail_key: Buffer | null;
  /** The business day of `last_number`. */
  number_day: string | null;
  last_number: Generated<number>;
  /** No party in the line has a number above both this and `last_number`. */
  held_number: Generated<number>;
  created_at: Date;
  deleted_at: Date | null;
};

export type PartyTable = {
  queue_id: Buffer;
  id: Buffer;
  number: number;
  /** Index in `lanes`. */
  lane: number;
  order_key: Buffer;
  state: PartyState;
  size: number;
  source: PartySource;
  seq: number;
  calls: Generated<number>;
  possible_duplicate: Generated<number>;
  /** Whether the guest knows that it is near the front: by mail, or since it joined there. */
  almost_there: Generated<number>;
  /** How often the guest let others go ahead. */
  snoozes: Generated<number>;
  joined_at: Date;
  /** When its wait ended with a call or a seat; null while it waits, and when it left before that. */
  served_at: Date | null;
  called_at: Date | null;
  confirmed_at: Date | null;
  seated_at: Date | null;
  departed_at: Date | null;
  ended_at: Date | null;
};

/**
 * The position and estimate that a guest got on joining; no row when the position service was unavailable. A table of its
 * own, because it is written after the line's lock is released: an insert neither waits for a change of the line nor
 * blocks one.
 */
type QuoteTable = {
  queue_id: Buffer;
  party_id: Buffer;
  position: number;
  /** JSON */
  estimate: string;
};

/** All personal data of parties. When a row is erased, nothing else tells who the guest was. */
export type PersonalTable = {
  queue_id: Buffer;
  party_id: Buffer;
  name: string;
  /** See `nameKey`. */
  name_key: string;
  email: string | null;
  email_key: string | null;
  phone: string | null;
  notes: string | null;
  locale: string | null;
};

export type EventTable = TraceColumns & {
  queue_id: Buffer;
  seq: number;
  id: Buffer;
  /** `occupancy.changed` and `venue.deleted` have the venue's id as their `queue_id`. */
  type: PartyEventType | 'queue.changed' | 'occupancy.changed' | 'venue.deleted';
  party_id: Buffer | null;
  time: Date;
  /** JSON */
  data: string;
  /** JSON: what a change by staff overwrote, so that it can be taken back (see `line/undo.ts`). No personal data. */
  overwritten: string | null;
  /** When the relay may send it to SQS; null once it is delivered. */
  relay_at: Date | null;
};

/** Why a change was made: free text, erased with the personal data. */
type ReasonTable = {
  queue_id: Buffer;
  seq: number;
  text: string;
};

/** The personal data that an event overwrote, for the minute in which it can be taken back. */
type OldPersonTable = {
  queue_id: Buffer;
  seq: number;
  /** JSON: columns of `personal`. */
  person: string;
  changed_at: Date;
};

/** A party that staff added with a time of joining in the past. */
type BackdatedJoinTable = {
  user_id: Buffer;
  party_id: Buffer;
  added_at: Date;
};

/** What the estimates of a queue have learned, in a format of the position service. */
type ModelTable = {
  queue_id: Buffer;
  /** The last event that it has learned from. */
  seq: number;
  model: string;
  state: Buffer;
  updated_at: Date;
};

/** The request that wrote a row; null when there was none, or when an older version wrote the row. */
export type TraceColumns = {
  request_id: string | null;
  traceparent: string | null;
};

/** Written by the previous version only; the relay adopts its rows (see `relay.ts`). */
type OutboxTable = TraceColumns & {
  queue_id: Buffer;
  seq: number;
  created_at: Date;
};

export type IdempotencyTable = {
  target_id: Buffer;
  key_hash: Buffer;
  body_hash: Buffer;
  /** JSON */
  answer: string | null;
  created_at: Date;
};

/** Work that follows a change: written with the change, handed out by the dispatcher. */
export type TaskTable = TraceColumns & {
  venue_id: Buffer;
  id: Buffer;
  kind: string;
  queue_id: Buffer | null;
  party_id: Buffer | null;
  /** JSON; ids and numbers only, no personal data. */
  payload: string;
  state: TaskState;
  /** How often it was handed out. Messages and results name their attempt. */
  attempts: Generated<number>;
  /** How often SQS has refused it in a row. */
  refusals: Generated<number>;
  /** How often a manager has retried it. */
  generation: Generated<number>;
  last_error: string | null;
  run_at: Date;
  /** While running: when it counts as lost. */
  lease_until: Date | null;
  updated_at: Date;
};

/** Who wants no mails from a venue, and is not named: see `access/unsubscribe-tokens.ts`. */
type UnsubscribeTable = {
  venue_id: Buffer;
  /** Keyed hash of the mailbox. */
  recipient: Buffer;
  created_at: Date;
};

/** When an alert about a queue's dead letters was last raised; no row when there are none. */
type AlertTable = {
  queue: string;
  alerted_at: Date;
};

export type VenueRow = Selectable<VenueTable>;
export type QueueRow = Selectable<QueueTable>;
export type PartyRow = Selectable<PartyTable>;
/** A party as a change of its line reads it, with whether it can be notified. */
export type LockedParty = PartyRow & { has_email: 0 | 1 };
export type TaskRow = Selectable<TaskTable>;
