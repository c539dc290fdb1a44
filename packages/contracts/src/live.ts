import { z } from 'zod';
import { type Contract, contract, isRawBody, type RawBody } from './contract.ts';
import { TicketParams } from './guests.ts';
import { HistoryEvent } from './history.ts';
import { Occupancy } from './occupancy.ts';
import { Board, Position } from './positions.ts';
import { Queue, QueueParams } from './queues.ts';
import { Uuid } from './values.ts';
import { VenueParams } from './venues.ts';

/*
 * Server-sent events (WHATWG HTML standard, section 9.2). A stream starts with `retry:` and sends an event or a
 * comment at least every 15 s. A client that reconnects misses no final state: ticket and board streams start with
 * the current state, and the staff streams resume after `Last-Event-ID`.
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

/** An event of a queue, as the stream of its venue sends it. */
export const VenueEvent = HistoryEvent.extend({ queueId: Uuid }).meta({ id: 'VenueEvent' });
export type VenueEvent = z.infer<typeof VenueEvent>;

/** A queue after its event `seq`. */
export const VenueQueue = Queue.extend({
  seq: z.int().meta({ description: "Sequence number of the queue's last event" }),
  deleted: z.boolean(),
}).meta({ id: 'VenueQueue' });
export type VenueQueue = z.infer<typeof VenueQueue>;

export const liveVenue = contract({
  operationId: 'liveVenue',
  summary: 'Follow every change in a venue',
  description:
    'Sends three kinds of events. `party`, with a `VenueEvent` as data: every event of a party of any queue of the venue. `queue`, with a `VenueQueue` as data: every queue at the start, new ones when they are created, and each after every change, its counts included; `deleted` is true when it was deleted. `occupancy`, with an `Occupancy` as data: at the start and on every change. A `queue` event follows the `party` events up to its `seq`. With `Last-Event-ID` the stream resumes after that event, in all queues; without it, or with one that is not from this venue, `party` events start now. If the `seq` of a `queue` event is higher than that of the last event you have of the queue, read its parties again. Events may repeat after a reconnect. It ends when the access token expires or the membership ends.',
  service: 'position',
  method: 'GET',
  url: '/v1/live/venues/:venueId',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: VenueParams },
  status: 200,
  response: stream({
    events: {
      names: ['party', 'queue', 'occupancy'],
      data: z.union([VenueEvent, VenueQueue, Occupancy]).meta({ id: 'VenueStreamData' }),
    },
    isResumable: true,
  }),
  problems: ['not-found'],
});

/** Whether a route's response is an event stream, which stays open until one side closes it. */
export function isEventStream({ response }: Contract): boolean {
  return isRawBody(response) && response.contentType === eventStream;
}
