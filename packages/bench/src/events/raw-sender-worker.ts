/** The baseline of the latency to a handler: sends plain messages at a steady rate. */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { createSqsClient } from '@queue-manager/events/client';
import { answerQuestions, atRate, sharedMs, workerOptions } from '../measure/worker.ts';

const { queueUrl, perSecond, count, bytes } = workerOptions<{
  queueUrl: string;
  perSecond: number;
  count: number;
  bytes: number;
}>();

const sqs = createSqsClient();
/** When the send of each message started, by the id its body starts with. */
const sends = new Map<string, number>();

answerQuestions(
  {
    async run() {
      await atRate(perSecond, count, async (index) => {
        const id = String(index);
        sends.set(id, sharedMs());
        const MessageBody = `${id} `.padEnd(bytes, '.');
        await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
      });
      return sends;
    },
  },
  async () => sqs.destroy(),
);
