import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createConsumer } from '@queue-manager/events/consume';
import { createPublisher } from '@queue-manager/events/publish';
import { createTaskReporter } from '@queue-manager/events/report-task';
import { testQueues } from '@queue-manager/events/testing';
import type { QueueName } from '@queue-manager/events/topology';
import { recordingLogger, until } from '@queue-manager/service-kit/testing';
import { createRelay } from '../line/relay.ts';
import { onTaskDue } from '../tasks/on-task-due.ts';
import { testDispatcher } from '../tasks/testing.ts';
import { startQueueService } from '../testing.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('trace context', () => {
  it('is passed on to events, mails, tasks, their results and log lines', async (test) => {
    const service = await startQueueService();
    const broker = await testQueues();
    const { db, clock, deps } = service;
    const { logger, lines } = recordingLogger();
    const publisher = createPublisher(broker);
    const relay = createRelay({ db, clock, logger, publisher });
    const dispatcher = testDispatcher(service, publisher);
    const work = onTaskDue(deps, createTaskReporter({ publisher, clock, source: '/queue' }));
    const consumer = createConsumer({
      ...broker,
      queue: 'tasks',
      logger,
      handlers: {
        'task.due': async (event) => {
          logger.info('at work');
          await work(event);
        },
      },
    });
    test.after(async () => {
      await Promise.all([relay.stop(), dispatcher.stop(), consumer.stop()]);
      await broker.drop();
      await service.stop();
    });
    /** The ids on the next message of a queue. */
    const carriedBy = async (queue: QueueName) => {
      const [message] = await until(`${queue} has a message`, async () => {
        const messages = await broker.receive(queue);
        return messages.length > 0 ? messages : null;
      });
      const { requestId, traceparent } = message?.MessageAttributes ?? {};
      return { requestId: requestId?.StringValue, traceparent: traceparent?.StringValue };
    };

    const { owner, queueId, joinCode } = await service.openLine();
    await db.updateTable('events').set({ relay_at: null }).execute();
    relay.start();
    dispatcher.start();
    const asGuest = { requestId: 'abc', traceparent };
    const { status } = await service.call('POST', `/v1/join/${joinCode}`, {
      body: { name: 'Rui Gomes', email: 'rui@example.com' },
      headers: { 'x-request-id': 'abc', traceparent },
    });
    assert.equal(status, 201);
    clock.advance(1);
    assert.deepEqual(await carriedBy('position-events'), asGuest);
    assert.deepEqual(await carriedBy('mails'), asGuest);

    // Its call will be over, without anybody asking for that.
    const [party] = await service.listAll(queueId, owner);
    await service.call('POST', `/v1/parties/${party?.id}/call`, {
      as: owner,
      headers: { 'x-request-id': 'def' },
    });
    clock.advance(1);
    const asHost = { requestId: 'def', traceparent: undefined };
    assert.deepEqual(await carriedBy('position-events'), asHost);
    clock.advance(3_600);
    await consumer.start();
    assert.deepEqual(await carriedBy('task-results'), asHost);
    clock.advance(1);
    assert.deepEqual(await carriedBy('position-events'), asHost);
    assert.deepEqual((await service.eventsOf(queueId)).map(({ type }) => type).slice(-3), [
      'party.joined',
      'party.called',
      'party.no-show',
    ]);
    const [line] = lines.filter((line) => line.includes('at work'));
    assert.equal(JSON.parse(line as string).requestId, 'def');
  });
});
