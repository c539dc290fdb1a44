import { z } from 'zod';
import { contract } from './contract.ts';
import {
  type EventOf,
  eventSchema,
  OrderKeyHex,
  type PartyEventType,
  PartySnapshot,
  partyEventTypes,
  QueueSnapshot,
} from './events.ts';
import { HistoryEvent } from './history.ts';
import { Lane } from './parties.ts';
import { QueueParams } from './queues.ts';
import { Session } from './tokens.ts';
import { OfferedPassword } from './users.ts';
import { Email, Estimate, Timestamp, Uuid } from './values.ts';
import { Role } from './venues.ts';

/*
 * Routes between services. The gateway never routes them; they need the service credential.
 */

const UserParams = z.strictObject({ userId: Uuid });

export const checkCredentials = contract({
  operationId: 'checkCredentials',
  summary: 'Whose e-mail and password these are',
  service: 'user',
  method: 'POST',
  url: '/internal/credentials/check',
  auth: 'internal',
  rateLimit: 'address',
  schema: { body: z.strictObject({ email: Email, password: OfferedPassword }) },
  status: 200,
  response: z.object({ userId: Uuid, passwordVersion: z.int() }),
  problems: ['invalid-credentials'],
});

/**
 * `passwordVersion` grows by one with every change of the password. A session counts while it was opened with
 * the present version, or is the one that its own change of the password kept. A number and not a time, so
 * that neither two clocks nor two changes in one millisecond can let an old session live on.
 */
export const Account = z.object({
  id: Uuid,
  name: z.string(),
  email: z.string(),
  locale: z.string(),
  passwordVersion: z.int(),
  keptSessionId: Uuid.nullable(),
});
export type Account = z.infer<typeof Account>;

export const getAccount = contract({
  operationId: 'getAccount',
  summary: 'An account and which of its sessions count',
  service: 'user',
  method: 'GET',
  url: '/internal/users/:userId',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: UserParams },
  status: 200,
  response: Account,
  problems: ['not-found'],
});

export const getNames = contract({
  operationId: 'getNames',
  summary: 'The names of accounts, for a list of them; null for one that is gone',
  service: 'user',
  method: 'POST',
  url: '/internal/users/names',
  auth: 'internal',
  rateLimit: 'address',
  schema: { body: z.strictObject({ userIds: z.array(Uuid).max(100) }) },
  status: 200,
  response: z.object({ names: z.array(z.string().nullable()) }),
});

export const getSessionsOf = contract({
  operationId: 'getSessionsOf',
  summary: 'The open sessions of an account, for its export',
  service: 'auth',
  method: 'GET',
  url: '/internal/users/:userId/sessions',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: UserParams },
  status: 200,
  response: z.object({ sessions: z.array(Session.omit({ current: true })) }),
});

export const getMembershipsOf = contract({
  operationId: 'getMembershipsOf',
  summary: 'The venues an account is a member of, for its export and its deletion',
  service: 'queue',
  method: 'GET',
  url: '/internal/users/:userId/memberships',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: UserParams },
  status: 200,
  response: z.object({
    memberships: z.array(
      z.object({
        venueId: Uuid,
        venueName: z.string(),
        role: Role,
        since: Timestamp,
        soleOwner: z.boolean(),
      }),
    ),
  }),
});

/** Events of a line, as the position service takes them. */
export const LineEvent = z.union([
  ...partyEventTypes.map((type) => eventSchema(type)),
  eventSchema('queue.changed'),
]) as unknown as z.ZodType<EventOf<PartyEventType | 'queue.changed'>>;
export type LineEvent = z.infer<typeof LineEvent>;

export const Place = z.object({
  position: z.int(),
  estimate: Estimate,
});
export type Place = z.infer<typeof Place>;

export const applyEvents = contract({
  operationId: 'applyEvents',
  summary: 'Apply events to the projection at once',
  description:
    'One answer an event, in order: `applied` with the place of its party (null unless waiting), or `pending` while an earlier event of the queue is missing.',
  service: 'position',
  method: 'POST',
  url: '/internal/events',
  auth: 'internal',
  rateLimit: 'address',
  isRepeatable: true,
  schema: { body: z.strictObject({ events: z.array(LineEvent).min(1).max(1_000) }) },
  status: 200,
  response: z.object({
    answers: z.array(
      z.object({ outcome: z.enum(['applied', 'pending']), place: Place.nullable() }),
    ),
  }),
});

export const getPlaces = contract({
  operationId: 'getPlaces',
  summary: 'Places of some parties of a queue, and the estimate for one who joined now',
  service: 'position',
  method: 'POST',
  url: '/internal/queues/:queueId/places',
  auth: 'internal',
  rateLimit: 'address',
  isRepeatable: true,
  schema: { params: QueueParams, body: z.strictObject({ partyIds: z.array(Uuid).max(1_000) }) },
  status: 200,
  response: z.object({
    seq: z.int(),
    waiting: z.int(),
    estimateIfJoined: Estimate,
    places: z.array(Place.nullable()),
  }),
  problems: ['not-found'],
});

/** A place between two that wait: a neighbour of the line that stays where it is however the line moves. */
export const Neighbour = z.object({ lane: Lane, orderKey: OrderKeyHex, partyId: Uuid });
export type Neighbour = z.infer<typeof Neighbour>;

export const getNeighbours = contract({
  operationId: 'getNeighbours',
  summary: 'Who stands just before and behind a place, without the party that is to be put there',
  description:
    'The place is a `position`, or as many `places` behind where the party stands. `before` is null at the front, `behind` at the end of the line; both when the party does not wait. Knows of every event up to `seq`.',
  service: 'position',
  method: 'POST',
  url: '/internal/queues/:queueId/neighbours',
  auth: 'internal',
  rateLimit: 'address',
  isRepeatable: true,
  schema: {
    params: QueueParams,
    body: z.strictObject({
      partyId: Uuid,
      seq: z.int(),
      to: z.union([
        z.strictObject({ position: z.int().min(1) }),
        z.strictObject({ places: z.int().min(1) }),
      ]),
    }),
  },
  status: 200,
  response: z.object({
    seq: z.int(),
    /** The party's place before; null when it does not wait. */
    from: z.int().nullable(),
    /** Its place when it has been put there; null when it does not wait. */
    position: z.int().nullable(),
    before: Neighbour.nullable(),
    behind: Neighbour.nullable(),
  }),
  problems: ['not-found'],
});

/** The first line of a snapshot: the queue as of `queue.seq`. A `PartySnapshot` a line follows. */
export const SnapshotHead = z.object({
  venueId: Uuid,
  queueId: Uuid,
  queue: QueueSnapshot,
  parties: z.int().meta({ description: 'How many lines follow' }),
});
export type SnapshotHead = z.infer<typeof SnapshotHead>;

export const getSnapshot = contract({
  operationId: 'getSnapshot',
  summary: 'A queue with all parties waiting and called, as of one moment',
  description: 'JSON lines: a SnapshotHead, then a PartySnapshot a line in the order of the line.',
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/snapshot',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: QueueParams },
  status: 200,
  response: { contentType: 'application/x-ndjson' },
  problems: ['not-found'],
});

export const getPartySnapshot = contract({
  operationId: 'getPartySnapshot',
  summary: 'One party of a queue, in whatever state',
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/parties/:partyId',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: z.strictObject({ queueId: Uuid, partyId: Uuid }) },
  status: 200,
  response: PartySnapshot,
  problems: ['not-found'],
});

export const getPartySnapshots = contract({
  operationId: 'getPartySnapshots',
  summary: 'Some parties of a queue, in whatever state; null for one that is not there',
  service: 'queue',
  method: 'POST',
  isRepeatable: true,
  url: '/internal/queues/:queueId/party-snapshots',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: QueueParams, body: z.strictObject({ partyIds: z.array(Uuid).max(1_000) }) },
  status: 200,
  response: z.object({ parties: z.array(PartySnapshot.nullable()) }),
});

/** What a queue's own row tells of its line. */
export const LineChecksum = QueueSnapshot.extend({ waiting: z.int(), called: z.int() });
export type LineChecksum = z.infer<typeof LineChecksum>;

export const getLineChecksum = contract({
  operationId: 'getLineChecksum',
  summary: 'A queue and how many wait and are called, as of its last event',
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/checksum',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: QueueParams },
  status: 200,
  response: LineChecksum,
  problems: ['not-found'],
});

export const getLabels = contract({
  operationId: 'getLabels',
  summary: 'What a board shows for parties: the first name and the initial of the last',
  service: 'queue',
  method: 'POST',
  url: '/internal/queues/:queueId/labels',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: QueueParams, body: z.strictObject({ partyIds: z.array(Uuid).max(1_000) }) },
  status: 200,
  response: z.object({ labels: z.array(z.string().nullable()) }),
  problems: ['not-found'],
});

export const getRole = contract({
  operationId: 'getRole',
  summary:
    "An account's role in the venue of a queue; null for somebody who is no member, or of no such queue",
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/roles/:userId',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: z.strictObject({ queueId: Uuid, userId: Uuid }) },
  status: 200,
  response: z.object({ role: Role.nullable() }),
});

export const getLineEvents = contract({
  operationId: 'getLineEvents',
  summary: 'What happened in a queue behind an event, oldest first',
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/events',
  auth: 'internal',
  rateLimit: 'address',
  schema: {
    params: QueueParams,
    querystring: z.strictObject({
      after: z.coerce.number().int().min(0),
      limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
    }),
  },
  status: 200,
  response: z.object({ events: z.array(HistoryEvent) }),
  problems: ['not-found'],
});

/** What the estimates of a queue have learned, as of the event `seq`; only the position service knows its form. */
export const LearnedModel = z.object({
  seq: z.int().min(0),
  model: z.string().max(64),
  state: z.base64().max(64 * 1024),
});
export type LearnedModel = z.infer<typeof LearnedModel>;

export const getModel = contract({
  operationId: 'getModel',
  summary: 'What was learned about a queue and kept; null when nothing was',
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/model',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: QueueParams },
  status: 200,
  response: z.object({ learned: LearnedModel.nullable() }),
  problems: ['not-found'],
});

export const keepModel = contract({
  operationId: 'keepModel',
  summary: 'Keep what was learned about a queue; an older one than is kept changes nothing',
  service: 'queue',
  method: 'POST',
  url: '/internal/queues/:queueId/model',
  auth: 'internal',
  rateLimit: 'address',
  schema: { params: QueueParams, body: z.strictObject(LearnedModel.shape) },
  status: 204,
  problems: ['not-found'],
});
