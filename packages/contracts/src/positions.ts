import { z } from 'zod';
import { contract } from './contract.ts';
import { TicketParams } from './guests.ts';
import { PartyState } from './parties.ts';
import { QueueParams, QueueState } from './queues.ts';
import { Estimate, Timestamp } from './values.ts';

export const Position = z
  .object({
    state: PartyState,
    position: z.int().nullable(),
    ahead: z.int().nullable(),
    waiting: z.int(),
    estimate: Estimate.nullable(),
    asOf: Timestamp,
    seq: z
      .int()
      .meta({ description: 'Sequence number of the last event that this response reflects' }),
  })
  .meta({ id: 'Position' });
export type Position = z.infer<typeof Position>;

export const getPosition = contract({
  operationId: 'getPosition',
  summary: 'Get your place in the line',
  description: 'Cheap enough to poll. To get changes as they happen, use `liveTicket`.',
  service: 'position',
  method: 'GET',
  url: '/v1/positions/:ticket',
  auth: 'ticket',
  rateLimit: 'ticket',
  schema: { params: TicketParams },
  status: 200,
  response: Position,
  problems: ['not-found'],
});

export const Board = z
  .object({
    queueName: z.string(),
    state: QueueState,
    waiting: z.int(),
    estimate: Estimate.nullable(),
    called: z.array(z.object({ label: z.string(), calledAt: Timestamp })),
  })
  .meta({ id: 'Board' });
export type Board = z.infer<typeof Board>;

export const getBoard = contract({
  operationId: 'getBoard',
  summary: 'Get the board of called parties, for a screen in the venue',
  description: 'Shows only what the queue’s `boardLabels` allows.',
  service: 'position',
  method: 'GET',
  url: '/v1/boards/:queueId',
  auth: 'public',
  rateLimit: 'address',
  schema: { params: QueueParams },
  status: 200,
  response: Board,
  problems: ['not-found'],
});
