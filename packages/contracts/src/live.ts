import { type Contract, contract, isRawBody } from './contract.ts';
import { TicketParams } from './guests.ts';
import { QueueParams } from './queues.ts';

/*
 * Server-sent events (the WHATWG HTML standard, section 9.2). A stream begins with `retry:` and says something,
 * be it a comment, at least every 15 s. A client that lost its stream opens it again and misses no final state:
 * tickets and boards are told at once how things stand, and the staff's stream goes on behind `Last-Event-ID`.
 */
const eventStream = { contentType: 'text/event-stream' } as const;

export const liveTicket = contract({
  operationId: 'liveTicket',
  summary: 'Your place in the line, at once and on every change',
  description:
    'Server-sent events `position`, each with the data of a `Position`. A change of state comes at once, changes of place at most every 100 ms. At most five streams a ticket.',
  service: 'position',
  method: 'GET',
  url: '/v1/live/tickets/:ticket',
  auth: 'ticket',
  rateLimit: 'ticket',
  schema: { params: TicketParams },
  status: 200,
  response: eventStream,
  problems: ['not-found'],
});

export const liveBoard = contract({
  operationId: 'liveBoard',
  summary: 'Who is called, at once and on every change',
  description: 'Server-sent events `board`, each with the data of a `Board`.',
  service: 'position',
  method: 'GET',
  url: '/v1/live/boards/:queueId',
  auth: 'public',
  rateLimit: 'address',
  schema: { params: QueueParams },
  status: 200,
  response: eventStream,
  problems: ['not-found'],
});

export const liveQueue = contract({
  operationId: 'liveQueue',
  summary: 'Every change of every party of a queue, as it happens',
  description:
    'Server-sent events `party`, and `queue` for what was done to the queue itself, each with the data of a `HistoryEvent`; the id of each is the `seq` of the queue. With `Last-Event-ID` the stream goes on behind that event, without it from now on. It ends with the access token, and when the membership ends.',
  service: 'position',
  method: 'GET',
  url: '/v1/live/queues/:queueId',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: QueueParams },
  status: 200,
  response: eventStream,
  problems: ['not-found'],
});

/** Whether a route answers with a stream of events, which goes on until somebody ends it. */
export function isEventStream({ response }: Contract): boolean {
  return isRawBody(response) && response.contentType === eventStream.contentType;
}
