import { z } from 'zod';
import { contract } from './contract.ts';
import { Actor, PartySnapshot, QueueSnapshot } from './events.ts';
import { PartyParams, PartyState } from './parties.ts';
import { QueueParams } from './queues.ts';
import { page, pageQuery, Timestamp, Uuid } from './values.ts';

/** Something that happened in a line: who, what, when and why. */
export const HistoryEvent = z
  .object({
    id: Uuid,
    seq: z.int().meta({ description: 'Counts the events of the queue without a gap' }),
    type: z.string().meta({ description: 'What happened, as `party.called`' }),
    time: Timestamp,
    actor: Actor,
    reason: z.string().nullable().meta({ description: 'null when none was given, or once erased' }),
    partyId: Uuid.nullable().meta({ description: 'null for an event of the queue itself' }),
    previousState: PartyState.nullable(),
    position: z.int().nullable().meta({ description: 'Where a moved party was put' }),
    override: z.boolean().meta({ description: "Beyond the venue's capacity, by a manager" }),
    party: PartySnapshot.omit({ partyId: true, orderKey: true })
      .nullable()
      .meta({ description: 'The party as it stood afterwards' }),
    queue: QueueSnapshot.nullable().meta({ description: 'The queue as it stood afterwards' }),
  })
  .meta({ id: 'HistoryEvent' });
export type HistoryEvent = z.infer<typeof HistoryEvent>;

export const listPartyEvents = contract({
  operationId: 'listPartyEvents',
  summary: 'All that happened to a party, oldest first',
  service: 'queue',
  method: 'GET',
  url: '/v1/parties/:partyId/events',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: PartyParams, querystring: pageQuery({}) },
  status: 200,
  response: page(HistoryEvent),
  problems: ['not-found'],
});

export const listQueueEvents = contract({
  operationId: 'listQueueEvents',
  summary: 'All that happened in a queue, oldest first',
  service: 'queue',
  method: 'GET',
  url: '/v1/queues/:queueId/events',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: QueueParams, querystring: pageQuery({}) },
  status: 200,
  response: page(HistoryEvent),
  problems: ['not-found'],
});
