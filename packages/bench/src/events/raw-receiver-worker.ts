/** The baseline of the latency to a handler: receives plain messages, one batch at a time. */
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { createSqsClient } from '@queue-manager/events/client';
import { answerQuestions, sharedMs, workerOptions } from '../measure/worker.ts';

const { queueUrl } = workerOptions<{ queueUrl: string }>();

const sqs = createSqsClient();
const receives = new Map<string, number>();
let isStopping = false;

async function receive(): Promise<void> {
  while (!isStopping) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 1,
      }),
    );
    const now = sharedMs();
    for (const { Body = '' } of Messages) receives.set(Body.slice(0, Body.indexOf(' ')), now);
    if (Messages.length === 0) continue;
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle,
    }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}
const receiving = receive();

answerQuestions({ count: () => receives.size, starts: () => receives }, async () => {
  isStopping = true;
  await receiving;
  sqs.destroy();
});
