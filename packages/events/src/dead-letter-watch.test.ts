import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { CreateTopicCommand, DeleteTopicCommand } from '@aws-sdk/client-sns';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { makeEvent, type TaskRef } from '@queue-manager/contracts/events';
import { ManualClock, systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { testLogger, until } from '@queue-manager/service-kit/testing';
import { provisionAlerts } from './alerts.ts';
import { createSnsClient, findQueue } from './client.ts';
import { createConsumer, PermanentFailure } from './consume.ts';
import { createDeadLetterWatch, type DeadLetterWatchOptions } from './dead-letter-watch.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createPublisher } from './publish.ts';
import { readEvent } from './read-event.ts';
import { createMemoryLedger, testQueues } from './testing.ts';
import { alertTopicName } from './topology.ts';

const start = new ManualClock().now().toISOString();

function taskRef(): TaskRef {
  return { venueId: newId(systemClock), taskId: newId(systemClock), attempt: 1 };
}

function mail(task?: TaskRef) {
  return makeEvent({
    id: newId(systemClock),
    source: '/queue',
    type: 'mail.requested',
    subject: newId(systemClock),
    time: start,
    data: {
      to: 'ana@example.com',
      locale: 'en',
      content: { template: 'verify-account', name: 'Ana', link: 'https://example.com/?token=t' },
      ...(task === undefined ? {} : { task }),
    },
  });
}

function finished(task: TaskRef) {
  return makeEvent({
    id: newId(systemClock),
    source: '/mailer',
    type: 'task.finished',
    subject: task.taskId,
    time: start,
    data: { task, outcome: 'done', error: null },
  });
}

async function setUp(test: TestContext) {
  const broker = await testQueues();
  const sns = createSnsClient();
  await provisionAlerts(sns, broker.sqs, broker);
  const clock = new ManualClock();
  clock.set(start);
  const lost: [TaskRef, string][] = [];
  const alerts = { sns, ledger: createMemoryLedger() };
  test.after(async () => {
    const Name = alertTopicName(broker.prefix);
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name }));
    await sns.send(new DeleteTopicCommand({ TopicArn }));
    sns.destroy();
    await broker.drop();
  });
  return {
    broker,
    sns,
    clock,
    lost,
    ledger: alerts.ledger,
    watch: (options: Partial<DeadLetterWatchOptions> = {}) =>
      createDeadLetterWatch({
        ...broker,
        clock,
        logger: testLogger,
        everyMs: 50,
        alerts,
        onTaskLost: async (task, error) => {
          lost.push([task, error]);
        },
        ...options,
      }),
    /** The alerts that the topic's subscriber received since the last call. */
    async raised() {
      const messages = await broker.receive('alert-mails');
      return messages.map(({ Body }) => {
        const event = readEvent(Body);
        assert.equal(event.type, 'alert.raised');
        return event.data;
      });
    },
  };
}

describe('createDeadLetterWatch', { concurrency: true }, () => {
  it('raises one alert for all instances, again after the queue was emptied, and every hour', async (test) => {
    const { broker, clock, raised, watch } = await setUp(test);
    const watches = [watch(), watch(), watch()];
    const checkAll = () => Promise.all(watches.map((one) => one.check()));
    await checkAll();
    assert.deepEqual(await raised(), []);

    const event = mail();
    const consumer = createConsumer({
      ...broker,
      queue: 'mails',
      logger: testLogger,
      clock,
      handlers: {
        'mail.requested': async () => {
          throw new PermanentFailure('550 no such mailbox');
        },
      },
    });
    await createPublisher(broker).publish([event]);
    await consumer.start();
    await until('the mail is a dead letter', async () => (await broker.count('mails')) === 0);
    await consumer.stop();
    const natively = await broker.sendDead('mails', 'not JSON');
    await checkAll();
    await checkAll();
    const [alert, ...others] = await raised();
    assert.deepEqual(others, []);
    assert.equal(alert?.queue, 'mails');
    assert.equal(alert?.count, 2);
    assert.equal(alert?.firstError, '550 no such mailbox');
    assert.equal(alert?.messageIds.length, 2);
    assert.equal(alert?.messageIds[1], natively);

    await broker.sendDead('mails', 'not JSON either');
    await checkAll();
    clock.advance(3_599);
    await checkAll();
    assert.deepEqual(await raised(), []);
    clock.advance(1);
    await checkAll();
    assert.deepEqual(
      (await raised()).map(({ count }) => count),
      [3],
    );

    await createDeadLetters(broker).purge('mails');
    await checkAll();
    await checkAll();
    await broker.sendDead('mails', 'not JSON');
    await checkAll();
    assert.deepEqual(
      (await raised()).map(({ queue, count }) => [queue, count]),
      [['mails', 1]],
    );
  });

  it('regards a queue as emptied after two empty checks in a row', async (test) => {
    const { broker, raised, watch } = await setUp(test);
    const one = watch();
    const letters = createDeadLetters(broker);
    const looks = [];
    for (const emptyChecks of [0, 1, 2, 1, 3]) {
      await letters.purge('mails');
      for (let checked = 0; checked < emptyChecks; checked++) await one.check();
      await broker.sendDead('mails', 'not JSON');
      await one.check();
      looks.push((await raised()).length);
    }
    assert.deepEqual(looks, [1, 0, 1, 0, 1]);
  });

  it('raises an alert after a minute when the instance that claimed it died', async (test) => {
    const { broker, clock, ledger, raised, watch } = await setUp(test);
    const one = watch();
    await broker.sendDead('mails', 'not JSON');
    assert.ok(await ledger.claim('mails', clock.now()));
    await one.check();
    clock.advance(59);
    await one.check();
    assert.deepEqual(await raised(), []);
    clock.advance(1);
    await one.check();
    assert.equal((await raised()).length, 1);
    clock.advance(3_599);
    await one.check();
    assert.deepEqual(await raised(), []);
  });

  it('names at most ten messages in an alert', async (test) => {
    const { broker, raised, watch } = await setUp(test);
    for (let sent = 0; sent < 12; sent++) await broker.sendDead('tasks', `no task ${sent}`);
    await watch().check();
    const [alert] = await raised();
    assert.equal(alert?.count, 12);
    assert.equal(alert?.messageIds.length, 10);
    assert.match(alert?.firstError ?? '', /killed/);
  });

  it('reports the task of a message that SQS moved, once', async (test) => {
    const { broker, lost, watch } = await setUp(test);
    const task = taskRef();
    await createPublisher(broker).publish([mail(task)]);
    const QueueUrl = await findQueue(broker.sqs, broker.prefix, 'mails');
    let received = 0;
    await until('SQS has moved it', async () => {
      // As when a consumer is killed while handling it.
      const { Messages = [] } = await broker.sqs.send(
        new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 1 }),
      );
      received += Messages.length;
      return (await broker.count('mails')) === 0;
    });
    assert.equal(received, 3);
    const one = watch();
    await one.check();
    assert.deepEqual(lost, [[task, 'The service was killed while processing this message']]);
    await broker.sendDead('mails', 'another');
    await one.check();
    assert.equal(lost.length, 1);
  });

  it('does not report tasks that the consumer reported, nor those of task.finished', async (test) => {
    const { broker, lost, raised, watch } = await setUp(test);
    await broker.sendDead('task-results', JSON.stringify(finished(taskRef())));
    await broker.sendDead('mails', JSON.stringify(mail()));
    await broker.sendDead('mails', JSON.stringify(mail(taskRef())), {
      error: { DataType: 'String', StringValue: '550' },
      failedAt: { DataType: 'String', StringValue: start },
    });
    await watch().check();
    assert.deepEqual(lost, []);
    assert.equal((await raised()).length, 2);
  });

  it('reports a task again after a failed report, without another alert', async (test) => {
    const { broker, lost, raised, watch } = await setUp(test);
    const tasks = [taskRef(), taskRef()];
    for (const task of tasks) await broker.sendDead('mails', JSON.stringify(mail(task)));
    let isUnavailable = true;
    const one = watch({
      onTaskLost: async (task, error) => {
        if (isUnavailable) throw new Error('unavailable');
        lost.push([task, error]);
      },
    });
    await one.check();
    isUnavailable = false;
    await one.check();
    assert.deepEqual(
      lost.map(([{ taskId }]) => taskId).sort(),
      tasks.map(({ taskId }) => taskId).sort(),
    );
    assert.equal((await raised()).length, 1);
  });

  it('raises a pending alert when SNS is back', async (test) => {
    const { broker, raised, ledger, watch } = await setUp(test);
    await broker.sendDead('mails', 'not JSON');
    const unreachable = createSnsClient({ endpoint: 'http://127.0.0.1:1' });
    await watch({ alerts: { sns: unreachable, ledger } }).check();
    unreachable.destroy();
    await watch().check();
    assert.equal((await raised()).length, 1);
  });

  it('reports tasks also without alerts', async (test) => {
    const { broker, clock, lost, raised } = await setUp(test);
    const task = taskRef();
    await broker.sendDead('mails', JSON.stringify(mail(task)));
    const one = createDeadLetterWatch({
      ...broker,
      clock,
      logger: testLogger,
      everyMs: 50,
      onTaskLost: async (found, error) => {
        lost.push([found, error]);
      },
    });
    await one.check();
    assert.deepEqual(
      lost.map(([{ taskId }]) => taskId),
      [task.taskId],
    );
    assert.deepEqual(await raised(), []);
  });

  it('checks periodically until it is stopped', async (test) => {
    const { broker, raised, watch } = await setUp(test);
    const one = watch();
    one.start();
    await broker.sendDead('tasks', 'not JSON');
    const alerts = await until('there is an alert', async () => {
      const found = await raised();
      return found.length > 0 ? found : undefined;
    });
    assert.equal(alerts[0]?.queue, 'tasks');
    await one.stop();
    await broker.sendDead('mails', 'not JSON');
    assert.deepEqual(await raised(), []);
  });
});
