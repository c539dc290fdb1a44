/** The baseline of the tasks: sends, receives and deletes plain messages in batches at full speed. */
import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import { createSqsClient } from '@queue-manager/events/client';
import { answerQuestions, workerOptions } from '../measure/worker.ts';

const { queueUrl, count, bytes, senders, receivers } = workerOptions<{
  queueUrl: string;
  count: number;
  bytes: number;
  /** Concurrent requests. */
  senders: number;
  receivers: number;
}>();

const batchSize = 10;
const sqs = createSqsClient();
const body = '.'.repeat(bytes);
let sent = 0;
let deleted = 0;
let isStopping = false;
let work: Promise<unknown> = Promise.resolve();

async function send(): Promise<void> {
  while (sent < count && !isStopping) {
    const size = Math.min(batchSize, count - sent);
    sent += size;
    const Entries = Array.from({ length: size }, (_, index) => ({
      Id: String(index),
      MessageBody: body,
    }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}

async function receive(): Promise<void> {
  while (!isStopping) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: batchSize,
        WaitTimeSeconds: 1,
      }),
    );
    if (Messages.length === 0) continue;
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle,
    }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    deleted += Entries.length;
  }
}

answerQuestions(
  {
    begin() {
      work = Promise.all([
        ...Array.from({ length: senders }, send),
        ...Array.from({ length: receivers }, receive),
      ]);
    },
    count: () => deleted,
  },
  async () => {
    isStopping = true;
    await work;
    sqs.destroy();
  },
);
