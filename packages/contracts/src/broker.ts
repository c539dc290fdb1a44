import { z } from 'zod';
import { contract } from './contract.ts';
import { VenueEvent } from './live.ts';
import { limits, page, pageQuery, Timestamp } from './values.ts';

/** Integers and strings name the same consumer or message: in a URL they look alike. */
const IntegerOrText = (max: number) =>
  z.union([z.string().min(1).max(max), z.int()], {
    error: `must be an integer, or a text of 1 to ${max} characters`,
  });

const ConsumerId = IntegerOrText(128).meta({
  description: 'Name of the consumer: any string, or an integer',
});
const MessageId = IntegerOrText(64);

const { visibilitySeconds } = limits;
const Visibility = z.coerce
  .number()
  .int()
  .min(visibilitySeconds.min)
  .max(visibilitySeconds.max)
  .default(visibilitySeconds.default)
  .meta({ description: 'How long a message stays locked to the consumer, in seconds' });

const HeldMessage = z.strictObject({ cid: ConsumerId, id: MessageId });

export const Message = z
  .object({
    id: z.string(),
    body: z.unknown().meta({ description: 'The JSON as it was published' }),
    publishedAt: Timestamp,
    deliveries: z
      .int()
      .meta({ description: 'How often it has been delivered, this delivery included' }),
  })
  .meta({ id: 'Message' });
export type Message = z.infer<typeof Message>;

/**
 * What a venue's feed publishes: a party or queue event without reasons, which staff type freely, and without the
 * accounts of staff.
 */
export const FeedEvent = VenueEvent.omit({ reason: true })
  .extend({ actor: z.enum(['staff', 'guest', 'system']) })
  .meta({
    id: 'FeedEvent',
    description:
      "The body of a message that a venue's feed publishes: what happened to a party or queue. Events of a party are published in the order of `seq`, each at least once: skip an `id` that you have seen.",
  });
export type FeedEvent = z.infer<typeof FeedEvent>;

const ofVenue = { service: 'broker', auth: 'key', rateLimit: 'key' } as const;

export const publishMessage = contract({
  ...ofVenue,
  operationId: 'publishMessage',
  summary: "Publish a message to the venue's queue",
  description: `Any JSON of up to ${limits.messageBytes / 1_024} KiB. When the venue has too many, too large or too old messages waiting, it gets 429 \`backlog-full\`; \`detail\` names the limit. Nothing is ever dropped.`,
  method: 'POST',
  url: '/v1/publish',
  schema: { body: z.json() },
  bodyBytesMax: limits.messageBytes,
  status: 201,
  response: z.object({ id: z.string() }),
  problems: ['backlog-full'],
});

export const consumeMessages = contract({
  ...ofVenue,
  operationId: 'consumeMessages',
  summary: 'Consume messages, oldest first',
  description: `Locks each message to the consumer \`cid\` for the visibility time. Delete a message when you have processed it; otherwise it is unlocked for others when the time has passed, and after ${limits.deliveriesMax} deliveries it moves to the dead messages. With \`wait\`, an empty queue is answered as soon as there is a message, or with an empty list after that time.`,
  method: 'GET',
  url: '/v1/consumer',
  waitSecondsMax: limits.consumeWaitSecondsMax,
  schema: {
    querystring: z.strictObject({
      cid: ConsumerId,
      limit: z.coerce.number().int().min(1).max(limits.pageSizeMax).default(1),
      wait: z.coerce
        .number()
        .int()
        .min(0)
        .max(limits.consumeWaitSecondsMax)
        .default(0)
        .meta({ description: 'How long to wait for a message, in seconds' }),
      visibility: Visibility,
    }),
  },
  status: 200,
  response: z.array(Message),
});

export const deleteMessage = contract({
  ...ofVenue,
  operationId: 'deleteMessage',
  summary: 'Delete a message that you have processed',
  description: '`false` when the consumer no longer holds the message: others may get it again.',
  method: 'DELETE',
  url: '/v1/consumer',
  schema: { querystring: HeldMessage },
  status: 200,
  response: z.boolean(),
});

export const extendMessage = contract({
  ...ofVenue,
  operationId: 'extendMessage',
  summary: 'Keep a message locked for longer',
  description:
    'Counts the visibility time from now; a repeat does so again. `false` when the consumer no longer holds the message.',
  method: 'POST',
  url: '/v1/consumer/extend',
  isRepeatable: true,
  schema: { querystring: HeldMessage.extend({ visibility: Visibility }) },
  status: 200,
  response: z.boolean(),
});

export const getBrokerStats = contract({
  ...ofVenue,
  operationId: 'getBrokerStats',
  summary: "Count the messages of the venue's queue",
  method: 'GET',
  url: '/v1/consumer/stats',
  status: 200,
  response: z
    .object({
      ready: z.int(),
      locked: z.int(),
      dead: z.int(),
      oldestAgeSeconds: z
        .int()
        .meta({ description: 'Age of the oldest message that is ready; 0 without any' }),
      consumers: z.array(z.object({ cid: z.string(), locked: z.int() })).meta({
        description: `The consumers that hold messages, up to the ${limits.pageSizeMax} that hold most`,
      }),
    })
    .meta({ id: 'BrokerStats' }),
});

export const listDeadMessages = contract({
  ...ofVenue,
  operationId: 'listDeadMessages',
  summary: 'List the dead messages, oldest first',
  description: 'Messages that were delivered too often without being deleted.',
  method: 'GET',
  url: '/v1/consumer/dead',
  schema: { querystring: pageQuery({}) },
  status: 200,
  response: page(
    Message.extend({
      cid: z.string().meta({ description: 'The last consumer that held it' }),
    }).meta({ id: 'DeadMessage' }),
  ),
});

export const requeueDeadMessage = contract({
  ...ofVenue,
  operationId: 'requeueDeadMessage',
  summary: 'Make a dead message available again, at its old place and with new deliveries',
  method: 'POST',
  url: '/v1/consumer/dead/:id/requeue',
  schema: { params: z.strictObject({ id: z.string().min(1).max(64) }) },
  status: 200,
  response: z.object({ id: z.string() }),
  problems: ['not-found'],
});
