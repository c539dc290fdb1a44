import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DeleteMessageCommand, DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type Event, type EventOf, makeEvent } from '@queue-manager/contracts/events';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { createSqsClient, findQueue } from './client.ts';
import { provisionQueues } from './provision.ts';
import { createPublisher, type Publisher } from './publish.ts';
import { readEvent } from './read-event.ts';
import { contactAdded, type TestQueues, testQueues } from './testing.ts';
import type { QueueName } from './topology.ts';

function userDeleted(): EventOf<'user.deleted'> {
  const userId = newId(systemClock);
  return makeEvent({
    id: newId(systemClock),
    source: '/user',
    type: 'user.deleted',
    subject: userId,
    time: systemClock.now().toISOString(),
    data: { userId },
  });
}

function mailEvent(name: string): EventOf<'mail.requested'> {
  return makeEvent({
    id: newId(systemClock),
    source: '/user',
    type: 'mail.requested',
    subject: newId(systemClock),
    time: systemClock.now().toISOString(),
    data: {
      to: 'ana@example.com',
      locale: 'en',
      content: { template: 'verify-account', name, link: 'https://example.com/?token=t' },
    },
  });
}

describe('createPublisher', () => {
  let broker: TestQueues;
  let publisher: Publisher;

  before(async () => {
    broker = await testQueues();
    publisher = createPublisher(broker);
  });
  after(() => broker.drop());

  const receivedFrom = async (queue: QueueName) => {
    const messages = [];
    for (;;) {
      const batch = await broker.receive(queue);
      if (batch.length === 0) return messages;
      messages.push(...batch);
    }
  };

  it('sends each event to every queue of its type, if any', async () => {
    const deleted = userDeleted();
    const mail = mailEvent('Ana');
    const userId = newId(systemClock);
    const verified = makeEvent({
      id: newId(systemClock),
      source: '/user',
      type: 'user.verified',
      subject: userId,
      time: systemClock.now().toISOString(),
      data: { userId },
    });
    const { failed } = await publisher.publish([mail, deleted, verified]);
    assert.equal(failed.size, 0);
    const messages = await receivedFrom('queue-events');
    assert.equal(messages[0]?.MessageAttributes?.type?.StringValue, 'user.deleted');
    const received = [...messages, ...(await receivedFrom('auth-events'))];
    assert.deepEqual(
      received.map(({ Body }) => readEvent(Body)),
      [deleted, deleted],
    );
    const mails = await receivedFrom('mails');
    assert.deepEqual(
      mails.map(({ Body }) => readEvent(Body)),
      [mail],
    );
  });

  it('splits batches by ten messages and 256 KiB', async () => {
    const events = [
      ...Array.from({ length: 23 }, () => mailEvent('Ana')),
      ...Array.from({ length: 7 }, () => mailEvent('x'.repeat(100_000))),
    ];
    const { failed } = await publisher.publish(events);
    assert.equal(failed.size, 0);
    const ids = (await receivedFrom('mails')).map(({ Body }) => readEvent(Body).id);
    assert.deepEqual(ids.sort(), events.map(({ id }) => id).sort());
  });

  it('returns the events that failed and sends the others', async () => {
    const good = mailEvent('Ana');
    const tooLarge = mailEvent('x'.repeat(300_000));
    const broken = { ...mailEvent('Ana'), time: 'yesterday' };
    const { failed } = await publisher.publish([tooLarge, broken, good]);
    assert.deepEqual([...failed.keys()].sort(), [tooLarge.id, broken.id].sort());
    assert.match(failed.get(broken.id) ?? '', /time/);
    assert.match(failed.get(tooLarge.id) ?? '', /bytes/);
    const ids = (await receivedFrom('mails')).map(({ Body }) => readEvent(Body).id);
    assert.deepEqual(ids, [good.id]);
  });

  it('sends only fields that the contract names, with any characters', async () => {
    const event = mailEvent('\ufffeAna\uffff 🎉 "\\');
    const { failed } = await publisher.publish([{ ...event, extra: 'never leaves' } as Event]);
    assert.equal(failed.size, 0);
    const [message] = await receivedFrom('mails');
    assert.doesNotMatch(message?.Body ?? '', /never leaves/);
    assert.deepEqual(readEvent(message?.Body), event);
  });

  it('returns the events of a missing queue, and throws when nothing could be sent', async () => {
    const half = await testQueues();
    const deleted = userDeleted();
    const mail = mailEvent('Ana');
    const QueueUrl = await findQueue(half.sqs, half.prefix, 'auth-events');
    await half.sqs.send(new DeleteQueueCommand({ QueueUrl }));
    const { failed, unanswered } = await createPublisher(half).publish([mail, deleted]);
    assert.deepEqual([...failed.keys()], [deleted.id]);
    // A refusal is not an outage.
    assert.equal(unanswered.size, 0);
    // Provisioning again keeps the existing queues.
    await provisionQueues(half.sqs, half);
    assert.equal(await half.count('queue-events'), 1);
    await half.drop();

    const cut = createSqsClient();
    cut.middlewareStack.add((next) => (args) => {
      const { QueueUrl = '' } = args.input as { QueueUrl?: string };
      if (!QueueUrl.endsWith('-queue-events')) return next(args);
      return Promise.reject(Object.assign(new Error('cut off'), { code: 'ECONNRESET' }));
    });
    const partly = await createPublisher({ ...broker, sqs: cut }).publish([mail, deleted]);
    assert.deepEqual([...partly.failed.keys()], [deleted.id]);
    assert.deepEqual([...partly.unanswered.keys()], [deleted.id]);
    await Promise.all([receivedFrom('mails'), receivedFrom('auth-events')]);
    cut.destroy();

    const unreachable = new SQSClient({ endpoint: 'http://127.0.0.1:1', maxAttempts: 1 });
    await assert.rejects(createPublisher({ sqs: unreachable, prefix: '' }).publish([mail]), {
      code: 'ECONNREFUSED',
    });
    unreachable.destroy();
  });

  it('sends to a FIFO queue in order, and an event that is repeated only once', async () => {
    const contacts = Array.from({ length: 12 }, contactAdded);
    assert.equal((await publisher.publish(contacts)).failed.size, 0);
    assert.equal((await publisher.publish(contacts.slice(3))).failed.size, 0);
    const received: string[] = [];
    for (;;) {
      // The next of a group comes once the one before is deleted.
      const [message, ...more] = await broker.receive('contacts.fifo');
      if (message === undefined) break;
      assert.deepEqual([more, await broker.receive('contacts.fifo')], [[], []]);
      received.push(readEvent(message.Body).id);
      const QueueUrl = await findQueue(broker.sqs, broker.prefix, 'contacts.fifo');
      const { ReceiptHandle } = message;
      await broker.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    assert.deepEqual(
      received,
      contacts.map(({ id }) => id),
    );
  });

  it('sends no later event of a group once one has failed', async (test) => {
    const contacts = Array.from({ length: 4 }, contactAdded);
    const sqs = createSqsClient();
    test.after(() => sqs.destroy());
    sqs.middlewareStack.add(
      (next) => async (args) => {
        const { input } = args as { input: { Entries?: { MessageBody?: string }[] } };
        if (input.Entries?.[0]?.MessageBody?.includes(contacts[2]?.id ?? '')) {
          throw new Error('cut');
        }
        return next(args);
      },
      { step: 'initialize' },
    );
    const before = await broker.count('contacts.fifo');
    const { failed } = await createPublisher({ ...broker, sqs }).publish(contacts);
    assert.deepEqual([...failed.keys()], [contacts[2]?.id, contacts[3]?.id]);
    assert.equal(await broker.count('contacts.fifo'), before + 2);
  });
});
