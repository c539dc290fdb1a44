import {
  type MessageAttributeValue,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type Event, type EventType, eventSchema } from '@queue-manager/contracts/events';
import { isOutage } from '@queue-manager/service-kit/problems';
import {
  contextOfSpan,
  endSpan,
  type Span,
  SpanKind,
  startSpan,
} from '@queue-manager/service-kit/telemetry/spans';
import { currentContext, type TraceContext } from '@queue-manager/service-kit/trace-context';
import pLimit from 'p-limit';
import { createQueueUrls } from './client.ts';
import { fifoGroups, isFifo, type QueueName, routes } from './topology.ts';
import { contextAttributes } from './trace-context.ts';

type Published = { failed: Map<string, string>; unanswered: Map<string, unknown> };

export type Publisher = {
  /**
   * Sends each event to every queue of its type in the topology. `failed` maps the id of each event that did not
   * reach all of its queues to the reason. `unanswered` maps those of them that failed because SQS was unavailable,
   * not because it refused them. Throws the first error when every batch failed. In a FIFO queue, an event is sent only
   * after those before it in its group; when one fails, so do those after it, unsent.
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
const chainsAtOnce = 8;
/** Each span begins when its event did, so that it shows how long that waited in the outbox. */
const sending = { kind: SpanKind.PRODUCER, attributes: { 'messaging.system': 'aws_sqs' } };

type Outgoing = {
  eventId: string;
  body: string;
  attributes: Record<string, MessageAttributeValue>;
  bytes: number;
};
type Batch = { queue: QueueName; group?: string; messages: Outgoing[] };

/** Publishes events to SQS, validated by their contracts. Fields that the contract does not name are not sent. */
export function createPublisher(options: {
  sqs: SQSClient;
  prefix: string;
  /** The queues of a type, instead of those in the topology. */
  receivers?: (type: EventType) => readonly QueueName[];
}): Publisher {
  const { sqs, prefix, receivers = (type) => routes[type] } = options;
  const queueUrlOf = createQueueUrls(sqs, prefix);

  const send = async ({ queue, group, messages }: Batch, failed: Map<string, string>) => {
    const { Failed = [] } = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: await queueUrlOf(queue),
        Entries: messages.map(({ eventId, body, attributes }, index) => ({
          Id: String(index),
          MessageBody: body,
          MessageAttributes: attributes,
          ...(group === undefined
            ? {}
            : { MessageGroupId: group, MessageDeduplicationId: eventId }),
        })),
      }),
    );
    const [first] = Failed;
    if (group !== undefined && first !== undefined) {
      throw new Error(`${queue}: ${first.Code} ${first.Message ?? ''}`);
    }
    for (const { Id, Code, Message } of Failed) {
      const message = messages[Number(Id)];
      if (message !== undefined) failed.set(message.eventId, `${queue}: ${Code} ${Message ?? ''}`);
    }
  };

  return {
    async publish(events, context = currentContext()) {
      const failed = new Map<string, string>();
      const unanswered = new Map<string, unknown>();
      const spans = new Map<string, Span>();
      const contextFor = (event: Event) => {
        const own: TraceContext | undefined =
          context instanceof Map ? context.get(event.id) : context;
        const span = startSpan(
          `send ${event.type}`,
          { ...sending, startTime: Date.parse(event.time) },
          own,
        );
        if (span === undefined) return own;
        spans.set(event.id, span);
        return contextOfSpan(span, own);
      };
      const chains = chainsOf(events, { receivers, contextFor, failed });
      const errors: unknown[] = [];
      let sent = 0;
      await pLimit(chainsAtOnce).map(chains, async (chain) => {
        for (const [index, batch] of chain.entries()) {
          try {
            await send(batch, failed);
            sent += 1;
          } catch (error) {
            errors.push(error);
            for (const { eventId } of chain.slice(index).flatMap(({ messages }) => messages)) {
              failed.set(eventId, String(error));
              if (isOutage(error)) unanswered.set(eventId, error);
            }
            return;
          }
        }
      });
      for (const [eventId, span] of spans) {
        endSpan(span, failed.has(eventId) ? new Error('not sent') : undefined);
      }
      if (sent === 0 && errors.length > 0) throw errors[0];
      return { failed, unanswered };
    },
  };
}

/** Batches to send one after the other, by chains that may be sent at the same time. */
function chainsOf(
  events: readonly Event[],
  options: {
    receivers: (type: EventType) => readonly QueueName[];
    contextFor: (event: Event) => TraceContext | undefined;
    failed: Map<string, string>;
  },
): Batch[][] {
  const { receivers, contextFor, failed } = options;
  const chains: Batch[][] = [];
  const groups = new Map<string, Batch[]>();
  const filling = new Map<QueueName, { batch: Batch; bytes: number }>();
  for (const event of events) {
    const message = outgoing(event, contextFor(event));
    if (typeof message === 'string') {
      failed.set(event.id, message);
      continue;
    }
    for (const queue of receivers(event.type)) {
      if (isFifo(queue)) {
        const group = fifoGroups[queue](event);
        const key = `${queue} ${group}`;
        let chain = groups.get(key);
        if (chain === undefined) {
          chain = [];
          groups.set(key, chain);
          chains.push(chain);
        }
        // Each in a batch of its own: SQS may accept only a part of a batch, which would break the order.
        chain.push({ queue, group, messages: [message] });
        continue;
      }
      let current = filling.get(queue);
      if (
        current === undefined ||
        current.batch.messages.length === batchEntriesMax ||
        current.bytes + message.bytes > batchBytesMax
      ) {
        current = { batch: { queue, messages: [] }, bytes: 0 };
        filling.set(queue, current);
        chains.push([current.batch]);
      }
      current.batch.messages.push(message);
      current.bytes += message.bytes;
    }
  }
  return chains;
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
