import { z } from 'zod';
import { contract } from './contract.ts';
import { Actor, PartySnapshot, QueueSnapshot, UndoneEvent } from './events.ts';
import { PartyParams, PartyState } from './parties.ts';
import { QueueParams } from './queues.ts';
import { page, pageQuery, Timestamp, Uuid } from './values.ts';

/** An event of a queue as staff see it: who, what, when and why. */
export const HistoryEvent = z
  .object({
    id: Uuid,
    seq: z.int().meta({ description: 'Sequence number within the queue, without gaps' }),
    type: z.string().meta({ description: 'What happened, for example `party.called`' }),
    time: Timestamp,
    actor: Actor,
    reason: z
      .string()
      .nullable()
      .meta({ description: 'Null if none was given or it has been erased' }),
    partyId: Uuid.nullable().meta({ description: 'Null for an event of the queue itself' }),
    previousState: PartyState.nullable(),
    // An older queue service does not send it.
    previousSize: z
      .int()
      .nullable()
      .optional()
      .meta({ description: 'Size before the event; null unless the event changed it' }),
    position: z.int().nullable().meta({ description: 'The position that a party was moved to' }),
    override: z
      .boolean()
      .meta({ description: "Whether a manager admitted the party beyond the venue's capacity" }),
    undone: UndoneEvent.nullable()
      // An older queue service does not send it.
      .optional()
      .meta({
        description:
          'The event that this one takes back, for `party.undone`: its number and what it was',
      }),
    party: PartySnapshot.omit({ partyId: true })
      // An older queue service does not send it.
      .partial({ orderKey: true })
      .nullable()
      .meta({
        description:
          'The party after the event. On `party.joined`, a `joinedAt` before `time` was given by staff.',
      }),
    queue: QueueSnapshot.nullable().meta({ description: 'The queue after the event' }),
  })
  .meta({ id: 'HistoryEvent' });
export type HistoryEvent = z.infer<typeof HistoryEvent>;

export const NamedHistoryEvent = HistoryEvent.extend({
  actorName: z.string().nullable().meta({
    description:
      'Name of the staff account that made the change, also of former members. Null for others, for deleted accounts, for events older than the venue’s `retentionDays`, and while the user service is unavailable.',
  }),
}).meta({ id: 'NamedHistoryEvent' });
export type NamedHistoryEvent = z.infer<typeof NamedHistoryEvent>;

export const listPartyEvents = contract({
  operationId: 'listPartyEvents',
  summary: "List a party's events, oldest first",
  service: 'queue',
  method: 'GET',
  url: '/v1/parties/:partyId/events',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: PartyParams, querystring: pageQuery({}) },
  status: 200,
  response: page(NamedHistoryEvent),
  problems: ['not-found'],
});

export const listQueueEvents = contract({
  operationId: 'listQueueEvents',
  summary: "List a queue's events",
  description:
    'Oldest first, or newest first with `order=desc`. `after` leaves out the events up to that `seq`, for a client that has them already.',
  service: 'queue',
  method: 'GET',
  url: '/v1/queues/:queueId/events',
  auth: 'host',
  rateLimit: 'account',
  schema: {
    params: QueueParams,
    querystring: pageQuery({
      after: z.coerce.number().int().min(0).default(0),
      order: z.enum(['asc', 'desc']).default('asc'),
    }),
  },
  status: 200,
  response: page(NamedHistoryEvent),
  problems: ['not-found'],
});
