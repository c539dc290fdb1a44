import { type Contract, contract, isRawBody, type RawBody } from './contract.ts';
import { TicketParams } from './guests.ts';
import { HistoryEvent } from './history.ts';
import { Board, Position } from './positions.ts';
import { QueueParams } from './queues.ts';

/*
 * Server-sent events (WHATWG HTML standard, section 9.2). A stream starts with `retry:` and sends an event or a
 * comment at least every 15 s. A client that reconnects misses no final state: ticket and board streams start with
 * the current state, and the staff stream resumes after `Last-Event-ID`.
 */
const eventStream = 'text/event-stream';

const stream = <const S extends Omit<RawBody, 'contentType'>>(sends: S) =>
  ({ contentType: eventStream, ...sends }) as const;

export const liveTicket = contract({
  operationId: 'liveTicket',
  summary: 'Follow your place in the line',
  description:
    'Sends `position` events with a `Position` as data: the current one first, then every change. Changes of state are sent immediately, changes of place at most every 100 ms. A ticket can have up to five streams open.',
  service: 'position',
  method: 'GET',
  url: '/v1/live/tickets/:ticket',
  auth: 'ticket',
  rateLimit: 'ticket',
  schema: { params: TicketParams },
  status: 200,
  response: stream({ events: { names: ['position'], data: Position } }),
  problems: ['not-found'],
});

export const liveBoard = contract({
  operationId: 'liveBoard',
  summary: 'Follow a board',
  description:
    'Sends `board` events with a `Board` as data: the current one first, then every change.',
  service: 'position',
  method: 'GET',
  url: '/v1/live/boards/:queueId',
  auth: 'public',
  rateLimit: 'address',
  schema: { params: QueueParams },
  status: 200,
  response: stream({ events: { names: ['board'], data: Board } }),
  problems: ['not-found'],
});

export const liveQueue = contract({
  operationId: 'liveQueue',
  summary: 'Follow every change in a queue',
  description:
    'Sends `party` events, and `queue` events for changes to the queue itself, with a `HistoryEvent` as data and its `seq` as id. With `Last-Event-ID` the stream resumes after that event; without it, it starts now. It ends when the access token expires or the membership ends.',
  service: 'position',
  method: 'GET',
  url: '/v1/live/queues/:queueId',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: QueueParams },
  status: 200,
  response: stream({
    events: { names: ['party', 'queue'], data: HistoryEvent },
    isResumable: true,
  }),
  problems: ['not-found'],
});

/** Whether a route's response is an event stream, which stays open until one side closes it. */
export function isEventStream({ response }: Contract): boolean {
  return isRawBody(response) && response.contentType === eventStream;
}
