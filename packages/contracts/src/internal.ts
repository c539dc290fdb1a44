import { z } from 'zod';
import { type ContractInput, contract } from './contract.ts';
import {
  type EventOf,
  eventSchema,
  type PartyEventType,
  PartySnapshot,
  partyEventTypes,
  QueueSnapshot,
} from './events.ts';
import { HistoryEvent } from './history.ts';
import { VenueEvent, VenueQueue } from './live.ts';
import { Occupancy } from './occupancy.ts';
import { Lane } from './parties.ts';
import { QueueParams } from './queues.ts';
import { Session } from './tokens.ts';
import { OfferedPassword } from './users.ts';
import { Email, Estimate, limits, OrderKeyHex, PartySize, Timestamp, Uuid } from './values.ts';
import { Role, VenueParams } from './venues.ts';

/** A route between services. It requires the internal credential, and the gateway does not route it. */
function internal<const C extends Omit<ContractInput, 'auth' | 'rateLimit'>>(written: C) {
  return contract({ ...written, auth: 'internal', rateLimit: 'address' });
}

const UserParams = z.strictObject({ userId: Uuid });

export const checkCredentials = internal({
  operationId: 'checkCredentials',
  summary: 'Check an e-mail and password',
  service: 'user',
  method: 'POST',
  url: '/internal/credentials/check',
  isRepeatable: true,
  schema: { body: z.strictObject({ email: Email, password: OfferedPassword }) },
  status: 200,
  response: z.object({ userId: Uuid, passwordVersion: z.int() }),
  problems: ['invalid-credentials'],
});

/**
 * `passwordVersion` grows by one with every password change. A session is valid if it was opened with the current
 * version, or if it is `keptSessionId`: the session in which the password was changed. A number rather than a time,
 * so that neither clock skew nor two changes in one millisecond can keep an old session alive.
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

export const getAccount = internal({
  operationId: 'getAccount',
  summary: 'Get an account and what decides which of its sessions are valid',
  service: 'user',
  method: 'GET',
  url: '/internal/users/:userId',
  schema: { params: UserParams },
  status: 200,
  response: Account,
  problems: ['not-found'],
});

export const getNames = internal({
  operationId: 'getNames',
  summary: 'Get the names of several accounts; null for an account that does not exist',
  service: 'user',
  method: 'POST',
  url: '/internal/users/names',
  isRepeatable: true,
  schema: { body: z.strictObject({ userIds: z.array(Uuid).max(100) }) },
  status: 200,
  response: z.object({ names: z.array(z.string().nullable()) }),
});

export const getSessionsOf = internal({
  operationId: 'getSessionsOf',
  summary: "List an account's open sessions, for its data export",
  service: 'auth',
  method: 'GET',
  url: '/internal/users/:userId/sessions',
  schema: { params: UserParams },
  status: 200,
  response: z.object({ sessions: z.array(Session.omit({ current: true })) }),
});

export const checkApiKey = internal({
  operationId: 'checkApiKey',
  summary: 'Find the venue of an API key',
  service: 'queue',
  method: 'POST',
  url: '/internal/api-keys/check',
  isRepeatable: true,
  schema: {
    body: z.strictObject({
      keyId: Uuid,
      secretHash: z.hex().length(64).meta({ description: 'SHA-256 of the secret' }),
    }),
  },
  status: 200,
  response: z.object({ venueId: Uuid }),
  problems: ['not-found'],
});

export const getMembershipsOf = internal({
  operationId: 'getMembershipsOf',
  summary: "List an account's venues, for its data export and its deletion",
  service: 'queue',
  method: 'GET',
  url: '/internal/users/:userId/memberships',
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

/** The events of a line, which the position service applies. */
export const LineEvent = z.union([
  ...partyEventTypes.map((type) => eventSchema(type)),
  eventSchema('queue.changed'),
]) as unknown as z.ZodType<EventOf<PartyEventType | 'queue.changed'>>;
export type LineEvent = z.infer<typeof LineEvent>;

/** The events that the position service receives. */
export const FedEvent = z.union([
  LineEvent,
  eventSchema('occupancy.changed'),
]) as unknown as z.ZodType<LineEvent | EventOf<'occupancy.changed'>>;
export type FedEvent = z.infer<typeof FedEvent>;

export const Place = z.object({
  position: z.int(),
  estimate: Estimate,
});
export type Place = z.infer<typeof Place>;

export const applyEvents = internal({
  operationId: 'applyEvents',
  summary: 'Apply events to the projection, and notify live streams of a venue',
  description:
    'Returns one answer per event, in order: `applied` with the place of its party (null unless waiting), or `pending` while an earlier event of the queue is missing.',
  service: 'position',
  method: 'POST',
  url: '/internal/events',
  isRepeatable: true,
  schema: { body: z.strictObject({ events: z.array(FedEvent).min(1).max(1_000) }) },
  status: 200,
  response: z.object({
    answers: z.array(
      z.object({ outcome: z.enum(['applied', 'pending']), place: Place.nullable() }),
    ),
  }),
});

export const getPlaces = internal({
  operationId: 'getPlaces',
  summary: 'Get the places of several parties, and the estimate for a party of a size joining now',
  service: 'position',
  method: 'POST',
  url: '/internal/queues/:queueId/places',
  isRepeatable: true,
  schema: {
    params: QueueParams,
    body: z.strictObject({
      partyIds: z.array(Uuid).max(1_000),
      size: PartySize.nullable().default(null).meta({ description: 'Null for a typical party' }),
    }),
  },
  status: 200,
  response: z.object({
    seq: z.int(),
    waiting: z.int(),
    estimateIfJoined: Estimate,
    places: z.array(Place.nullable()),
  }),
  problems: ['not-found'],
});

/** A waiting party beside a place in the line. Its order key keeps its meaning however the line moves. */
export const Neighbour = z.object({ lane: Lane, orderKey: OrderKeyHex, partyId: Uuid });
export type Neighbour = z.infer<typeof Neighbour>;

export const getNeighbours = internal({
  operationId: 'getNeighbours',
  summary: 'Get the neighbours of a place, ignoring the party to be moved there',
  description:
    'The place is a `position`, or a number of `places` behind where the party is now. `before` is null at the front of the line, `behind` at its end; both are null if the party is not waiting. With `called`, a called party counts as waiting at the place it was called from. Reflects every event up to `seq`.',
  service: 'position',
  method: 'POST',
  url: '/internal/queues/:queueId/neighbours',
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
      called: z.boolean().default(false),
    }),
  },
  status: 200,
  response: z.object({
    seq: z.int(),
    /** The party's present position; null unless waiting. */
    from: z.int().nullable(),
    /** Its position after the move; null unless waiting. */
    position: z.int().nullable(),
    before: Neighbour.nullable(),
    behind: Neighbour.nullable(),
  }),
  problems: ['not-found'],
});

/** The first line of a snapshot: the queue as of `queue.seq`. One `PartySnapshot` per line follows. */
export const SnapshotHead = z.object({
  venueId: Uuid,
  queueId: Uuid,
  queue: QueueSnapshot,
  parties: z.int().meta({ description: 'Number of lines that follow' }),
});
export type SnapshotHead = z.infer<typeof SnapshotHead>;

export const getSnapshot = internal({
  operationId: 'getSnapshot',
  summary: 'Get a snapshot of a queue with its waiting and called parties',
  description: 'JSON lines: a SnapshotHead, then one PartySnapshot per line in queue order.',
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/snapshot',
  schema: { params: QueueParams },
  status: 200,
  response: { contentType: 'application/x-ndjson' },
  problems: ['not-found'],
});

export const getPartySnapshot = internal({
  operationId: 'getPartySnapshot',
  summary: 'Get a party of a queue, in any state',
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/parties/:partyId',
  schema: { params: z.strictObject({ queueId: Uuid, partyId: Uuid }) },
  status: 200,
  response: PartySnapshot,
  problems: ['not-found'],
});

export const getPartySnapshots = internal({
  operationId: 'getPartySnapshots',
  summary: 'Get several parties of a queue, in any state; null for a party that does not exist',
  service: 'queue',
  method: 'POST',
  isRepeatable: true,
  url: '/internal/queues/:queueId/party-snapshots',
  schema: { params: QueueParams, body: z.strictObject({ partyIds: z.array(Uuid).max(1_000) }) },
  status: 200,
  response: z.object({ parties: z.array(PartySnapshot.nullable()) }),
});

/** What tells cheaply whether a projection matches MySQL: the queue and its counts. */
export const LineChecksum = QueueSnapshot.extend({ waiting: z.int(), called: z.int() });
export type LineChecksum = z.infer<typeof LineChecksum>;

export const getLineChecksum = internal({
  operationId: 'getLineChecksum',
  summary: 'Get a queue and its waiting and called counts, as of its last event',
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/checksum',
  schema: { params: QueueParams },
  status: 200,
  response: LineChecksum,
  problems: ['not-found'],
});

export const getLabels = internal({
  operationId: 'getLabels',
  summary: 'Get the board labels of parties: first name and initial of the last name',
  service: 'queue',
  method: 'POST',
  url: '/internal/queues/:queueId/labels',
  isRepeatable: true,
  schema: { params: QueueParams, body: z.strictObject({ partyIds: z.array(Uuid).max(1_000) }) },
  status: 200,
  response: z.object({ labels: z.array(z.string().nullable()) }),
  problems: ['not-found'],
});

export const getRole = internal({
  operationId: 'getRole',
  summary:
    "Get an account's role in the venue of a queue; null if it is not a member or the queue does not exist",
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/roles/:userId',
  schema: { params: z.strictObject({ queueId: Uuid, userId: Uuid }) },
  status: 200,
  response: z.object({ role: Role.nullable() }),
});

export const getLineEvents = internal({
  operationId: 'getLineEvents',
  summary: "List a queue's events after a sequence number, oldest first",
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/events',
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

export const getVenueRole = internal({
  operationId: 'getVenueRole',
  summary:
    "Get an account's role in a venue; null if it is not a member or the venue does not exist",
  service: 'queue',
  method: 'GET',
  url: '/internal/venues/:venueId/roles/:userId',
  schema: { params: z.strictObject({ venueId: Uuid, userId: Uuid }) },
  status: 200,
  response: z.object({ role: Role.nullable() }),
});

export const getVenueQueues = internal({
  operationId: 'getVenueQueues',
  summary: "List a venue's queues with the `seq` of their last events",
  service: 'queue',
  method: 'GET',
  url: '/internal/venues/:venueId/queues',
  schema: { params: VenueParams },
  status: 200,
  response: z.object({ queues: z.array(z.object({ queueId: Uuid, seq: z.int() })) }),
  problems: ['not-found'],
});

export const getVenueChanges = internal({
  operationId: 'getVenueChanges',
  summary: "Get a venue's occupancy, and what has changed in some of its queues",
  description:
    'Returns the events of each queue after its `seq`, oldest first, up to `limit` of all queues together. `queues` has the state of each queue whose `seq` is not its last, once all its events up to that state were returned; `seq` null asks for the state alone. Includes deleted queues. Queues of other venues are ignored.',
  service: 'queue',
  method: 'POST',
  isRepeatable: true,
  url: '/internal/venues/:venueId/changes',
  schema: {
    params: VenueParams,
    body: z.strictObject({
      after: z
        .array(z.strictObject({ queueId: Uuid, seq: z.int().min(0).nullable() }))
        .max(limits.queuesPerReadMax),
      limit: z.int().min(1).max(1_000),
    }),
  },
  status: 200,
  response: z.object({
    occupancy: Occupancy,
    queues: z.array(VenueQueue),
    events: z.array(VenueEvent),
  }),
  problems: ['not-found'],
});

/** A queue's estimate model as of the event `seq`. Only the position service knows the format of `state`. */
export const LearnedModel = z.object({
  seq: z.int().min(0),
  model: z.string().max(64),
  state: z.base64().max(64 * 1024),
});
export type LearnedModel = z.infer<typeof LearnedModel>;

export const getModel = internal({
  operationId: 'getModel',
  summary: "Get a queue's stored estimate model; null if there is none",
  service: 'queue',
  method: 'GET',
  url: '/internal/queues/:queueId/model',
  schema: { params: QueueParams },
  status: 200,
  response: z.object({ learned: LearnedModel.nullable() }),
  problems: ['not-found'],
});

export const keepModel = internal({
  operationId: 'keepModel',
  summary: "Store a queue's estimate model, unless a newer one is stored",
  service: 'queue',
  method: 'POST',
  url: '/internal/queues/:queueId/model',
  schema: { params: QueueParams, body: z.strictObject(LearnedModel.shape) },
  status: 204,
  problems: ['not-found'],
});
