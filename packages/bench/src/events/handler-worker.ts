/** The receiving service: a consumer whose handlers only record the time. */
import type { Event } from '@queue-manager/contracts/events';
import { createSqsClient } from '@queue-manager/events/client';
import { createConsumer } from '@queue-manager/events/consume';
import { testLogger } from '@queue-manager/service-kit/testing';
import { answerQuestions, sharedMs, workerOptions } from '../measure/worker.ts';

const { prefix } = workerOptions<{ prefix: string }>();

/** When the handler of each event first started, by event id. */
const starts = new Map<string, number>();
const record = async ({ id }: Event) => {
  if (!starts.has(id)) starts.set(id, sharedMs());
};

const sqs = createSqsClient();
const consumer = createConsumer({
  sqs,
  prefix,
  queue: 'position-events',
  handlers: { 'queue.changed': record, 'party.joined': record, 'party.called': record },
  logger: testLogger,
});
await consumer.start();

answerQuestions({ count: () => starts.size, starts: () => starts }, async () => {
  await consumer.stop();
  sqs.destroy();
});
