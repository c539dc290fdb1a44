import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  DeleteMessageCommand,
  type MessageAttributeValue,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { makeEvent } from '@queue-manager/contracts/events';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { createDeadLetterUrls, createSqsClient, findQueue } from './client.ts';
import { withFailure } from './dead-letter.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createPublisher } from './publish.ts';
import { contactAdded, testQueues } from './testing.ts';

const text = (StringValue: string): MessageAttributeValue => ({ DataType: 'String', StringValue });

function userDeleted() {
  const userId = newId(systemClock);
  return makeEvent({
    id: newId(systemClock),
    source: '/user',
    type: 'user.deleted',
    subject: userId,
    time: '2026-03-07T20:00:00.000Z',
    data: { userId },
  });
}

async function setUp(test: TestContext) {
  const broker = await testQueues();
  test.after(() => broker.drop());
  const deadLetters = createDeadLetters(broker);
  return {
    broker,
    deadLetters,
    /** Sends dead letters as a consumer does. Returns their message ids. */
    async addDeadLetters(events: readonly object[]) {
      const ids: string[] = [];
      for (const event of events) {
        const id = await broker.sendDead('queue-events', JSON.stringify(event), {
          type: text('user.deleted'),
          requestId: text('req-1'),
          blob: { DataType: 'Binary', BinaryValue: Buffer.from([1, 2, 3]) },
          error: text('not today'),
          failedAt: text('2026-03-07T20:00:06.000Z'),
          receives: { DataType: 'Number', StringValue: '3' },
        });
        ids.push(id);
      }
      return ids;
    },
    /** All messages in the queue. */
    async returned() {
      const messages = [];
      for (;;) {
        const batch = await broker.receive('queue-events');
        if (batch.length === 0) return messages;
        messages.push(...batch);
      }
    },
  };
}

describe('createDeadLetters', { concurrency: true }, () => {
  it('reads all dead letters and leaves them in place', async (test) => {
    const { broker, deadLetters, addDeadLetters } = await setUp(test);
    const events = Array.from({ length: 23 }, userDeleted);
    const ids = await addDeadLetters(events);
    const natively = await broker.sendDead('queue-events', '{"no":"event"}');
    const found = await deadLetters.read('queue-events', { most: 100, hiddenSeconds: 10 });
    assert.deepEqual(found.map(({ messageId }) => messageId).sort(), [...ids, natively].sort());
    const { since, ...first } = found.find(({ messageId }) => messageId === ids[0]) ?? {};
    assert.deepEqual(first, {
      messageId: ids[0],
      eventId: events[0]?.id,
      type: 'user.deleted',
      subject: events[0]?.subject,
      receives: 3,
      failure: { error: 'not today', failedAt: '2026-03-07T20:00:06.000Z' },
      body: JSON.stringify(events[0]),
    });
    assert.equal(since?.toISOString(), '2026-03-07T20:00:00.000Z');
    const other = found.find(({ messageId }) => messageId === natively);
    assert.equal(other?.failure, undefined);
    assert.equal(other?.type, undefined);
    assert.ok((other?.since.getTime() ?? 0) > Date.parse('2026-03-08'));
    assert.equal(await deadLetters.count('queue-events'), 24);
    const again = await deadLetters.read('queue-events', { most: 5, hiddenSeconds: 10 });
    assert.equal(again.length, 5);
  });

  it('redrives all dead letters with their original attributes', async (test) => {
    const { deadLetters, addDeadLetters, returned } = await setUp(test);
    const events = Array.from({ length: 23 }, userDeleted);
    await addDeadLetters(events);
    const progress: [number, number][] = [];
    const result = await deadLetters.redrive('queue-events', {
      onProgress: (done, total) => progress.push([done, total]),
    });
    assert.deepEqual(result, { sent: 23, missing: [], refused: { count: 0, reason: '' } });
    assert.deepEqual(progress[0], [0, 23]);
    assert.deepEqual(progress.at(-1), [23, 23]);
    assert.equal(await deadLetters.count('queue-events'), 0);
    const messages = await returned();
    assert.deepEqual(
      messages.map(({ Body }) => Body).sort(),
      events.map((event) => JSON.stringify(event)).sort(),
    );
    for (const { MessageAttributes = {} } of messages) {
      assert.deepEqual(Object.keys(MessageAttributes).sort(), ['blob', 'requestId', 'type']);
      assert.equal(MessageAttributes.requestId?.StringValue, 'req-1');
      assert.deepEqual([...(MessageAttributes.blob?.BinaryValue ?? [])], [1, 2, 3]);
    }
  });

  it('redrives those named by message or event id, and returns the missing ids', async (test) => {
    const { deadLetters, addDeadLetters, returned } = await setUp(test);
    const events = Array.from({ length: 15 }, userDeleted);
    const ids = await addDeadLetters(events);
    const named = [ids[3] ?? '', events[12]?.id ?? '', 'not-there'];
    const result = await deadLetters.redrive('queue-events', { ids: named });
    assert.deepEqual(result.missing, ['not-there']);
    assert.equal(result.sent, 2);
    const messages = await returned();
    assert.deepEqual(
      messages.map(({ Body }) => Body).sort(),
      [JSON.stringify(events[3]), JSON.stringify(events[12])].sort(),
    );
    assert.equal(await deadLetters.count('queue-events'), 13);
    const left = await until('the others can be read again', async () => {
      const found = await deadLetters.read('queue-events', { most: 100, hiddenSeconds: 10 });
      return found.length === 13 ? found : undefined;
    });
    assert.ok(left.every(({ messageId }) => messageId !== ids[3]));
  });

  it('waits for dead letters that another reader has hidden', async (test) => {
    const { broker, deadLetters, addDeadLetters } = await setUp(test);
    await addDeadLetters([userDeleted(), userDeleted()]);
    const reading = deadLetters.read('queue-events', { most: 10, hiddenSeconds: 2 });
    const redriving = deadLetters.redrive('queue-events');
    await reading;
    assert.equal((await redriving).sent, 2);
    assert.equal(await broker.count('queue-events'), 2);
  });

  it('keeps dead letters that SQS refused, and returns the reason', async (test) => {
    const { broker, addDeadLetters } = await setUp(test);
    const [refused, taken] = [userDeleted(), userDeleted()];
    await addDeadLetters([refused, taken]);
    const sqs = createSqsClient();
    sqs.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const { MessageBody = '' } = args.input as { MessageBody?: string };
          if (commandName === 'SendMessageCommand' && MessageBody.includes(refused.id)) {
            throw new Error('not this one');
          }
          return next(args);
        },
      { step: 'initialize' },
    );
    const deadLetters = createDeadLetters({ sqs, prefix: broker.prefix });
    const result = await deadLetters.redrive('queue-events');
    assert.deepEqual(result, {
      sent: 1,
      missing: [],
      refused: { count: 1, reason: 'not this one' },
    });
    assert.equal(await deadLetters.count('queue-events'), 1);
    assert.equal(await broker.count('queue-events'), 1);
    sqs.destroy();
  });

  it('duplicates a message when it dies between sending and deleting', async (test) => {
    const { broker, addDeadLetters } = await setUp(test);
    await addDeadLetters([userDeleted()]);
    const sqs = createSqsClient();
    sqs.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'DeleteMessageBatchCommand') throw new Error('killed');
          return next(args);
        },
      { step: 'initialize' },
    );
    const deadLetters = createDeadLetters({ sqs, prefix: broker.prefix });
    await assert.rejects(deadLetters.redrive('queue-events'), /killed/);
    assert.equal(await deadLetters.count('queue-events'), 1);
    assert.equal(await broker.count('queue-events'), 1);
    sqs.destroy();
  });

  it('purges all dead letters', async (test) => {
    const { deadLetters, addDeadLetters } = await setUp(test);
    await addDeadLetters([userDeleted(), userDeleted()]);
    await deadLetters.purge('queue-events');
    assert.equal(await deadLetters.count('queue-events'), 0);
  });

  it('reads all dead letters of a FIFO queue, and redrives them right after they were sent', async (test) => {
    const { broker, deadLetters } = await setUp(test);
    const events = Array.from({ length: 3 }, contactAdded);
    await createPublisher(broker).publish(events);
    const deadLetterUrl = await createDeadLetterUrls(broker.sqs, broker.prefix)('contacts.fifo');
    const QueueUrl = await findQueue(broker.sqs, broker.prefix, 'contacts.fifo');
    for (const _ of events) {
      const [message = {}] = await broker.receive('contacts.fifo');
      const failure = { error: 'refused', failedAt: new Date(), receives: 1 };
      const copy = withFailure('contacts.fifo', message, failure);
      await broker.sqs.send(new SendMessageCommand({ QueueUrl: deadLetterUrl, ...copy }));
      const { ReceiptHandle } = message;
      await broker.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    const found = await deadLetters.read('contacts.fifo', { most: 100, hiddenSeconds: 10 });
    assert.deepEqual(found.map(({ eventId }) => eventId).sort(), events.map(({ id }) => id).sort());
    const { sent } = await until('they are visible again', async () => {
      const redriven = await deadLetters.redrive('contacts.fifo');
      return redriven.sent > 0 ? redriven : null;
    });
    assert.equal(sent, 3);
    assert.equal(await broker.count('contacts.fifo'), 3);
  });
});
