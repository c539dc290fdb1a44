import {
  type MessageAttributeValue,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type Event, eventSchema } from '@queue-manager/contracts/events';
import { isOutage } from '@queue-manager/service-kit/problems';
import { currentContext, type RequestContext } from '@queue-manager/service-kit/request-context';
import pLimit from 'p-limit';
import { carriedAttributes } from './carried.ts';
import { createQueueUrls } from './client.ts';
import { type QueueName, routes } from './topology.ts';

export type Published = { failed: Map<string, string>; unanswered: Map<string, unknown> };

export type Publisher = {
  /**
   * Sends each event to every queue that the topology names for its type, and resolves when the broker has
   * answered. `failed` maps the id of an event that did not reach all of its queues to the reason (a type
   * without a queue reaches all of them). Throws only when nothing could be sent, with the first error.
   *
   * `unanswered` holds the errors of those of them that nobody refused: the broker was away when they were
   * sent, and takes them when it is back.
   *
   * `carried` goes along for logs and traces: the same with all events, by default the
   * current context, or its own with each, by event id.
   */
  publish(
    events: readonly Event[],
    carried?: RequestContext | ReadonlyMap<string, RequestContext>,
  ): Promise<Published>;
};

/** SQS's limits of one batch. */
const batchEntriesMax = 10;
const batchBytesMax = 256 * 1024;
const batchesAtOnce = 8;

type Outgoing = {
  eventId: string;
  body: string;
  attributes: Record<string, MessageAttributeValue>;
  bytes: number;
};
type Batch = { queue: QueueName; messages: Outgoing[] };

/** Publishes events to SQS, each validated by its contract: what the contract does not name is not sent. */
export function createPublisher(options: { sqs: SQSClient; prefix: string }): Publisher {
  const { sqs, prefix } = options;
  const queueUrlOf = createQueueUrls(sqs, prefix);

  const send = async ({ queue, messages }: Batch, failed: Map<string, string>) => {
    const { Failed = [] } = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: await queueUrlOf(queue),
        Entries: messages.map(({ body, attributes }, index) => ({
          Id: String(index),
          MessageBody: body,
          MessageAttributes: attributes,
        })),
      }),
    );
    for (const { Id, Code, Message } of Failed) {
      const message = messages[Number(Id)];
      if (message !== undefined) failed.set(message.eventId, `${queue}: ${Code} ${Message ?? ''}`);
    }
  };

  return {
    async publish(events, carried = currentContext()) {
      const failed = new Map<string, string>();
      const unanswered = new Map<string, unknown>();
      const carriedWith = (event: Event) =>
        carried instanceof Map ? carried.get(event.id) : (carried as RequestContext | undefined);
      const batches = batchesOf(events, carriedWith, failed);
      const errors: unknown[] = [];
      await pLimit(batchesAtOnce).map(batches, async (batch) => {
        try {
          await send(batch, failed);
        } catch (error) {
          errors.push(error);
          for (const { eventId } of batch.messages) {
            failed.set(eventId, String(error));
            if (isOutage(error)) unanswered.set(eventId, error);
          }
        }
      });
      if (batches.length > 0 && errors.length === batches.length) throw errors[0];
      return { failed, unanswered };
    },
  };
}

function batchesOf(
  events: readonly Event[],
  carriedWith: (event: Event) => RequestContext | undefined,
  failed: Map<string, string>,
): Batch[] {
  const batches: Batch[] = [];
  const filling = new Map<QueueName, { batch: Batch; bytes: number }>();
  for (const event of events) {
    const message = outgoing(event, carriedWith(event));
    if (typeof message === 'string') {
      failed.set(event.id, message);
      continue;
    }
    for (const queue of routes[event.type]) {
      let current = filling.get(queue);
      if (
        current === undefined ||
        current.batch.messages.length === batchEntriesMax ||
        current.bytes + message.bytes > batchBytesMax
      ) {
        current = { batch: { queue, messages: [] }, bytes: 0 };
        filling.set(queue, current);
        batches.push(current.batch);
      }
      current.batch.messages.push(message);
      current.bytes += message.bytes;
    }
  }
  return batches;
}

/** An event as SQS takes it, or the reason why it cannot be sent. */
function outgoing(event: Event, carried: RequestContext | undefined): Outgoing | string {
  const parsed = eventSchema(event.type).safeParse(event);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.code}`);
    return `does not keep its contract: ${faults.join(', ')}`;
  }
  // JSON may hold these as they are; an SQS message may hold none of the last two, and the local stand-in,
  // fauxqs, takes no message with a character that UTF-16 writes as a pair, such as an emoji.
  const body = JSON.stringify(parsed.data).replace(
    /[\ud800-\udfff\ufffe\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16)}`,
  );
  const attributes = attributesOf(event, carried);
  const bytes = Buffer.byteLength(body) + bytesOf(attributes);
  if (bytes > batchBytesMax) return `has ${bytes} bytes, more than the ${batchBytesMax} SQS takes`;
  return { eventId: event.id, body, attributes, bytes };
}

/** What can be read off a message without opening it: how an operator finds one, and where tracing goes. */
function attributesOf(
  event: Event,
  carried: RequestContext | undefined,
): Record<string, MessageAttributeValue> {
  return {
    type: { DataType: 'String', StringValue: event.type },
    ...carriedAttributes(carried),
  };
}

function bytesOf(attributes: Record<string, MessageAttributeValue>): number {
  let bytes = 0;
  for (const [name, { DataType, StringValue }] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(`${name}${DataType}${StringValue}`);
  }
  return bytes;
}
