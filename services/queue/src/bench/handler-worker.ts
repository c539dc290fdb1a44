/** The receiving service's half: a consumer whose handlers only note the time. */

import type { Event } from '@queue-manager/contracts/events';
import { createSqsClient } from '@queue-manager/events/client';
import { createConsumer } from '@queue-manager/events/consume';
import { testLogger } from '@queue-manager/service-kit/testing';
import { answerQuestions, sharedMs, workerOptions } from './worker.ts';

const { prefix } = workerOptions<{ prefix: string }>();

/** When the handler of each event began first, by the event's id. */
const starts = new Map<string, number>();
const note = async ({ id }: Event) => {
  if (!starts.has(id)) starts.set(id, sharedMs());
};

const sqs = createSqsClient();
const consumer = createConsumer({
  sqs,
  prefix,
  queue: 'position-events',
  handlers: { 'queue.changed': note, 'party.joined': note, 'party.called': note },
  logger: testLogger,
});
await consumer.start();

answerQuestions({ count: () => starts.size, starts: () => starts }, async () => {
  await consumer.stop();
  sqs.destroy();
});
