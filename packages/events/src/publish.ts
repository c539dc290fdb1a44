import {
  type MessageAttributeValue,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type Event, eventSchema } from '@queue-manager/contracts/events';
import { isOutage } from '@queue-manager/service-kit/problems';
import { currentContext, type TraceContext } from '@queue-manager/service-kit/trace-context';
import pLimit from 'p-limit';
import { createQueueUrls } from './client.ts';
import { type QueueName, routes } from './topology.ts';
import { contextAttributes } from './trace-context.ts';

type Published = { failed: Map<string, string>; unanswered: Map<string, unknown> };

export type Publisher = {
  /**
   * Sends each event to every queue of its type in the topology. `failed` maps the id of each event that did not
   * reach all of its queues to the reason. `unanswered` maps those of them that failed because SQS was unavailable,
   * not because it refused them. Throws the first error when every batch failed.
   *
   * `context` is the trace context to send along: one for all events, by default the current one, or one for each,
   * by event id.
   */
  publish(
    events: readonly Event[],
    context?: TraceContext | ReadonlyMap<string, TraceContext>,
  ): Promise<Published>;
};

/** The limits of SQS for one batch. */
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

/** Publishes events to SQS, validated by their contracts. Fields that the contract does not name are not sent. */
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
    async publish(events, context = currentContext()) {
      const failed = new Map<string, string>();
      const unanswered = new Map<string, unknown>();
      const contextFor = (event: Event) =>
        context instanceof Map ? context.get(event.id) : (context as TraceContext | undefined);
      const batches = batchesOf(events, contextFor, failed);
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
  contextFor: (event: Event) => TraceContext | undefined,
  failed: Map<string, string>,
): Batch[] {
  const batches: Batch[] = [];
  const filling = new Map<QueueName, { batch: Batch; bytes: number }>();
  for (const event of events) {
    const message = outgoing(event, contextFor(event));
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

/** The message of an event, or the reason why it cannot be sent. */
function outgoing(event: Event, context: TraceContext | undefined): Outgoing | string {
  const parsed = eventSchema(event.type).safeParse(event);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.code}`);
    return `violates its contract: ${faults.join(', ')}`;
  }
  // Escape characters that JSON allows: SQS rejects U+FFFE and U+FFFF, and fauxqs, the local emulator, rejects
  // surrogate pairs, such as an emoji.
  const body = JSON.stringify(parsed.data).replace(
    /[\ud800-\udfff\ufffe\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16)}`,
  );
  // Readable without parsing the body, for operators and tracing.
  const attributes = {
    type: { DataType: 'String', StringValue: event.type },
    ...contextAttributes(context),
  };
  const bytes = Buffer.byteLength(body) + bytesOf(attributes);
  if (bytes > batchBytesMax)
    return `has ${bytes} bytes, more than the ${batchBytesMax} that SQS accepts`;
  return { eventId: event.id, body, attributes, bytes };
}

function bytesOf(attributes: Record<string, MessageAttributeValue>): number {
  let bytes = 0;
  for (const [name, { DataType, StringValue }] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(`${name}${DataType}${StringValue}`);
  }
  return bytes;
}
