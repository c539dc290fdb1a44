import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { ChangeMessageVisibilityCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import {
  type Event,
  type EventOf,
  type EventType,
  makeEvent,
} from '@queue-manager/contracts/events';
import { type Clock, ManualClock, systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { testEnv, testLogger, until as untilOrDeadline } from '@queue-manager/service-kit/testing';
import { createSqsClient, findQueue } from './client.ts';
import {
  type Consumer,
  type ConsumerOptions,
  createConsumer,
  type Delivery,
  type Handlers,
  PermanentFailure,
} from './consume.ts';
import { createPublisher } from './publish.ts';
import { countReceives, testQueues } from './testing.ts';
import { isFifo, type QueueName, queueNames, routes } from './topology.ts';

/** Generous, since retries and heartbeats take seconds. */
const until = <T>(what: string, condition: () => T | Promise<T>) =>
  untilOrDeadline(what, condition, 60_000);

type UserVerified = EventOf<'user.verified'>;

function userVerified(): UserVerified {
  const userId = newId(systemClock);
  return makeEvent({
    id: newId(systemClock),
    source: '/user',
    type: 'user.verified',
    subject: userId,
    time: systemClock.now().toISOString(),
    data: { userId },
  });
}

function eventOf<T extends EventType>(type: T): Event {
  const id = newId(systemClock);
  const task = { venueId: id, taskId: id, attempt: 1 };
  const data: { [T in EventType]?: object } = {
    'queue.changed': {
      venueId: id,
      queueId: id,
      actor: { kind: 'system' },
      queue: { seq: 1, name: 'Tables', state: 'open', boardLabels: 'number', deleted: false },
    },
    'occupancy.changed': {
      venueId: id,
      seq: 2,
      occupancy: 1,
      capacity: null,
      actor: { kind: 'system' },
    },
    'venue.deleted': { venueId: id },
    'user.deleted': { userId: id },
    'task.due': { task, kind: 'call.expire', queueId: null, partyId: null, payload: {} },
    'task.finished': { task, outcome: 'done', error: null },
    'mail.requested': {
      to: 'ana@example.com',
      locale: 'en',
      content: { template: 'verify-account', name: 'Ana', link: 'https://example.com/?token=t' },
    },
    'alert.raised': { queue: 'mails', count: 1, firstError: null, messageIds: [] },
  };
  const time = systemClock.now().toISOString();
  const event = { id, source: '/test', type, subject: id, time, data: data[type] };
  return makeEvent(event as Parameters<typeof makeEvent<T>>[0]) as Event;
}

/** The event types of a queue, first one that `eventOf` can make. */
function typesOf(queue: QueueName): [EventType, ...EventType[]] {
  if (queue === 'alert-mails') return ['alert.raised'];
  const types = (Object.keys(routes) as EventType[]).filter((type) => routes[type].includes(queue));
  return types.reverse() as [EventType, ...EventType[]];
}

const userDeleted = () => eventOf('user.deleted') as EventOf<'user.deleted'>;

function storeDown(): Error {
  return Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
}

/** Collects log entries, one string per line. */
function recordingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const record = (fields: { err?: Error }, message: string) =>
    lines.push(JSON.stringify({ ...fields, err: fields.err && String(fields.err.stack), message }));
  const logger = {
    child: () => logger,
    info: (...entry: unknown[]) => {
      if (typeof entry[0] === 'string') lines.push(entry[0]);
      else record(entry[0] as object, String(entry[1]));
    },
    warn: record,
    error: record,
  };
  return { logger: logger as unknown as Logger, lines };
}

type Settings = {
  queue?: QueueName;
  logger?: Logger;
  ready?: () => Promise<unknown>;
  concurrency?: number;
  sqs?: SQSClient;
  onDeadLetter?: NonNullable<ConsumerOptions['onDeadLetter']>;
  retryDelaysSeconds?: readonly number[];
  clock?: Clock;
};

/** Queues for one test, and consumers that stop with it. */
async function setUp(test: TestContext) {
  const broker = await testQueues();
  const consumers: Consumer[] = [];
  test.after(async () => {
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await broker.drop();
  });
  return {
    broker,
    async consume(handlers: Handlers, settings: Settings = {}) {
      const consumer = createConsumer({
        sqs: broker.sqs,
        prefix: broker.prefix,
        queue: 'queue-events',
        logger: testLogger,
        handlers,
        ...settings,
      });
      consumers.push(consumer);
      await consumer.start();
      return consumer;
    },
    send: (events: UserVerified[]) =>
      Promise.all(events.map((event) => broker.send('queue-events', JSON.stringify(event)))),
    drained: (queue: QueueName = 'queue-events') =>
      until(`${queue} is empty`, async () => (await broker.count(queue)) === 0),
  };
}

// The tests mostly wait for deliveries, so they run concurrently.
describe('createConsumer', { concurrency: true }, () => {
  it('handles the messages of a group of a FIFO queue in order, also when one fails', async (test) => {
    const { broker, consume } = await setUp(test);
    const queue = 'broker-events.fifo';
    const [first, other] = [1, 2].map(() => eventOf('queue.changed') as EventOf<'queue.changed'>);
    assert.ok(first && other);
    const events = [1, 2, 3, 4, 5].map((seq) => ({
      ...first,
      id: newId(systemClock),
      data: { ...first.data, queue: { ...first.data.queue, seq } },
    }));
    const publisher = createPublisher({ ...broker, receivers: () => [queue] });
    assert.equal((await publisher.publish([...events, other])).failed.size, 0);
    const attempts: number[] = [];
    const others: string[] = [];
    await consume(
      {
        'queue.changed': async ({ id, subject, data }) => {
          if (subject === other.subject) return void others.push(id);
          const { seq } = data.queue;
          attempts.push(seq);
          if (seq === 2 && attempts.length === 2) throw new Error('broken');
          if (seq === 4) throw new PermanentFailure('hopeless');
        },
      },
      { queue },
    );
    await until('all are handled', () => attempts.includes(5));
    assert.deepEqual(attempts, [1, 2, 2, 3, 4, 5]);
    assert.deepEqual(others, [other.id]);
    await until('it is a dead letter', async () => (await broker.deadLetters(queue)).length === 1);
  });

  it('passes every event to the handler of its type, in any order and also when repeated', async (test) => {
    const { consume, send, drained } = await setUp(test);
    const seen: string[] = [];
    const events = Array.from({ length: 35 }, userVerified);
    await send(events.toReversed());
    await send(events);
    await consume({
      'user.verified': async ({ id }) => {
        seen.push(id);
      },
    });
    await drained();
    const ids = events.map(({ id }) => id);
    assert.deepEqual(seen.sort(), [...ids, ...ids].sort());
  });

  it('runs at most concurrency handlers at once', async (test) => {
    const { broker, consume, send, drained } = await setUp(test);
    let running = 0;
    let most = 0;
    await send(Array.from({ length: 30 }, userVerified));
    await consume(
      {
        'user.verified': async () => {
          running += 1;
          most = Math.max(most, running);
          await broker.count('queue-events');
          running -= 1;
        },
      },
      { concurrency: 3 },
    );
    await drained();
    assert.equal(most, 3);
  });

  it('keeps receiving while slow handlers run, up to concurrency', async (test) => {
    const { broker, consume, send, drained } = await setUp(test);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const slow = [userVerified(), userVerified()];
    const quick = Array.from({ length: 12 }, userVerified);
    const late = Array.from({ length: 12 }, userVerified);
    const slowIds = new Set(slow.map(({ id }) => id));
    const begun = new Set<string>();
    const hasBegun = ({ id }: UserVerified) => begun.has(id);
    let running = 0;
    let most = 0;
    const consumer = await consume(
      {
        'user.verified': async ({ id }) => {
          begun.add(id);
          running += 1;
          most = Math.max(most, running);
          if (slowIds.has(id)) await released;
          else await broker.count('queue-events');
          running -= 1;
        },
      },
      { concurrency: 3 },
    );
    await send(slow.slice(0, 1));
    await until('a slow one has begun', () => begun.size === 1);
    await send(quick);
    await until('the quick ones are handled beside it', () => quick.every(hasBegun));
    await send(slow.slice(1));
    await until('two slow ones are at work', () => slow.every(hasBegun));
    await send(late);
    await until('the late ones are handled beside both', () => late.every(hasBegun));
    await until(
      'what is handled is deleted',
      async () => (await broker.count('queue-events')) === slow.length,
    );
    let hasStopped = false;
    const stopped = consumer.stop().then(() => {
      hasStopped = true;
    });
    assert.equal(running, slow.length);
    assert.equal(hasStopped, false);
    release();
    await stopped;
    assert.equal(running, 0);
    await drained();
    assert.ok(most <= 3);
  });

  it('makes a failing message a dead letter after three deliveries, without blocking others', async (test) => {
    const { broker, consume, send, drained } = await setUp(test);
    const hopeless = userVerified();
    const shaky = userVerified();
    const others = Array.from({ length: 12 }, userVerified);
    const tries = new Map<string, number>();
    const { logger, lines } = recordingLogger();
    await send([hopeless, shaky, ...others.slice(0, 6)]);
    await consume(
      {
        'user.verified': async ({ id }) => {
          const count = (tries.get(id) ?? 0) + 1;
          tries.set(id, count);
          if (id === hopeless.id) throw new Error('never');
          if (id === shaky.id && count < 3) throw new Error('not yet');
        },
      },
      { logger },
    );
    await until('the first have failed', () => tries.has(hopeless.id) && tries.has(shaky.id));
    await send(others.slice(6));
    await until('the others are through', () => others.every(({ id }) => tries.has(id)));
    assert.ok((tries.get(hopeless.id) ?? 0) < 3, 'others did not wait for the failing ones');
    const [dead] = await until('there is a dead letter', async () => {
      const letters = await broker.deadLetters('queue-events');
      return letters.length > 0 ? letters : undefined;
    });
    assert.deepEqual(JSON.parse(dead?.Body ?? ''), hopeless);
    assert.equal(tries.get(hopeless.id), 3);
    await drained();
    assert.equal(tries.get(shaky.id), 3);
    for (const { id } of others) assert.equal(tries.get(id), 1);
    const last = lines.find((line) => line.includes('for the last time'));
    assert.match(last ?? '', new RegExp(hopeless.id));
    assert.match(last ?? '', /user\.verified/);
  });

  it('makes invalid messages dead letters without logging their content', async (test) => {
    const { broker, consume, drained } = await setUp(test);
    const secret = 'a-secret-in-the-body';
    const good = userVerified();
    const userDeleted = {
      ...good,
      type: 'user.deleted',
      dataschema: 'https://queue-manager.dev/events/user.deleted/1',
    };
    const bad = [
      secret,
      `{"type":"user.verified","secret":"${secret}`,
      'null',
      JSON.stringify([secret]),
      JSON.stringify({ ...good, type: secret }),
      JSON.stringify({ ...good, type: 'toString' }),
      JSON.stringify({ ...good, dataschema: 'https://queue-manager.dev/events/user.verified/2' }),
      JSON.stringify({ ...good, data: { userId: secret } }),
      JSON.stringify(userDeleted),
      secret.repeat(12_000),
    ];
    const seen: string[] = [];
    const { logger, lines } = recordingLogger();
    for (const body of bad) await broker.send('auth-events', body);
    await broker.send(
      'auth-events',
      JSON.stringify({ ...good, later: 'unknown fields are ignored' }),
    );
    await consume(
      {
        'user.verified': async ({ id }) => {
          seen.push(id);
        },
      },
      { queue: 'auth-events', logger },
    );
    const letters: string[] = [];
    await until('all bad messages are dead letters', async () => {
      for (const { Body } of await broker.deadLetters('auth-events')) letters.push(Body ?? '');
      return letters.length === bad.length;
    });
    assert.deepEqual(letters.sort(), bad.sort());
    assert.deepEqual(seen, [good.id]);
    await drained('auth-events');
    assert.equal(lines.filter((line) => line.includes('for the last time')).length, bad.length);
    for (const line of lines) assert.doesNotMatch(line, new RegExp(secret));
  });

  it('pauses while the store is unavailable, and uses one delivery per message for the outage', async (test) => {
    const { consume, send, drained } = await setUp(test);
    const sqs = createSqsClient();
    const receives = countReceives(sqs);
    const events = Array.from({ length: 45 }, userVerified);
    const handled = new Set<string>();
    let isStoreUp = false;
    let asked = 0;
    const { logger, lines } = recordingLogger();
    await send(events);
    await consume(
      {
        'user.verified': async ({ id }) => {
          if (!isStoreUp) throw storeDown();
          handled.add(id);
        },
      },
      {
        sqs,
        logger,
        concurrency: 20,
        ready: async () => {
          asked += 1;
          if (!isStoreUp) throw storeDown();
        },
      },
    );
    await until('the store was asked for', () => asked >= 4);
    assert.ok(receives.size <= 20, 'nothing is received in an outage');
    isStoreUp = true;
    await drained();
    await until('all are handled', () => handled.size === events.length);
    assert.equal(receives.size, events.length);
    assert.deepEqual([...new Set(receives.values())], [1]);
    assert.deepEqual(
      lines.map((line) => /the store is (?:unavailable|back)/.exec(line)?.[0]),
      ['the store is unavailable', 'the store is back'],
    );
    sqs.destroy();
  });

  it('receives nothing while the store is unavailable', async (test) => {
    const { broker, consume, send, drained } = await setUp(test);
    const sqs = createSqsClient();
    const receives = countReceives(sqs);
    let isStoreUp = false;
    let asked = 0;
    await send([userVerified()]);
    await consume(
      {
        'user.verified': async () => {
          if (!isStoreUp) throw storeDown();
        },
      },
      {
        sqs,
        concurrency: 20,
        ready: async () => {
          asked += 1;
          if (!isStoreUp) throw storeDown();
        },
      },
    );
    // By then the receive in flight at the beginning of the outage has ended.
    await until('the store was asked for a while', () => asked >= 6);
    await send(Array.from({ length: 10 }, userVerified));
    await until('the store was asked again', () => asked >= 7);
    assert.equal(receives.size, 1);
    assert.equal(await broker.count('queue-events'), 11);
    isStoreUp = true;
    await drained();
    assert.deepEqual([...receives.values()], Array(11).fill(1));
    sqs.destroy();
  });

  it('counts repeated outages of a single message as its failure', async (test) => {
    const { broker, consume, send } = await setUp(test);
    const odd = userVerified();
    const even = userVerified();
    const seen: string[] = [];
    let tries = 0;
    await send([odd, even]);
    await consume(
      {
        'user.verified': async ({ id }) => {
          if (id === odd.id) {
            tries += 1;
            throw storeDown();
          }
          seen.push(id);
        },
      },
      { ready: async () => undefined },
    );
    const letter = await until('it is a dead letter', async () => {
      const letters = await broker.deadLetters('queue-events');
      return letters.find(({ Body }) => Body?.includes(odd.id));
    });
    assert.ok(letter);
    assert.deepEqual(seen, [even.id]);
    assert.equal(tries, 15);
  });

  it('releases its messages when it stops during an outage', async (test) => {
    const { broker, consume, send, drained } = await setUp(test);
    const events = Array.from({ length: 5 }, userVerified);
    let failed = 0;
    await send(events);
    const consumer = await consume(
      {
        'user.verified': async () => {
          failed += 1;
          throw storeDown();
        },
      },
      { ready: async () => Promise.reject(storeDown()) },
    );
    await until('all failed', () => failed === events.length);
    await consumer.stop();
    const messages: Message[] = [];
    await until('all can be received', async () => {
      messages.push(...(await broker.receive('queue-events')));
      return messages.length === events.length;
    });
    for (const { Attributes } of messages) assert.equal(Attributes?.ApproximateReceiveCount, '2');
    const seen = new Set<string>();
    // Released, so that a consumer with a working store can handle them.
    const QueueUrl = await findQueue(broker.sqs, broker.prefix, 'queue-events');
    for (const { ReceiptHandle } of messages) {
      await broker.sqs.send(
        new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 1 }),
      );
    }
    await consume({
      'user.verified': async ({ id }) => {
        seen.add(id);
      },
    });
    await drained();
    assert.equal(seen.size, events.length);
  });

  it('releases a message whose handler aborted, only while the consumer stops', async (test) => {
    const { broker, consume, send } = await setUp(test);
    const [early, late] = [userVerified(), userVerified()];
    const ending = new AbortController();
    const { logger, lines } = recordingLogger();
    let isAtWork = false;
    await send([early, late]);
    const consumer = await consume(
      {
        'user.verified': async ({ id }) => {
          if (id === early.id) AbortSignal.abort().throwIfAborted();
          isAtWork = true;
          await once(new EventEmitter(), 'never', { signal: ending.signal });
        },
      },
      // Failed messages stay hidden for the rest of this test.
      { logger, retryDelaysSeconds: [600] },
    );
    await until('one has failed and the other is at work', () => isAtWork && lines.length === 1);
    const stopped = consumer.stop();
    ending.abort();
    await stopped;
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', new RegExp(`${early.id}.*failed: will be retried`));
    assert.match(lines[1] ?? '', new RegExp(`${late.id}.*released`));
    const [back, ...others] = await until('one can be received', async () => {
      const messages = await broker.receive('queue-events');
      return messages.length > 0 ? messages : undefined;
    });
    assert.deepEqual(JSON.parse(back?.Body ?? ''), late);
    assert.deepEqual(others, []);
  });

  it('handles its messages before it stops, and receives no more', async (test) => {
    const { broker, consume, send } = await setUp(test);
    const first = userVerified();
    const second = userVerified();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const seen: string[] = [];
    let hasStopped = false;
    await send([first]);
    // With a concurrency of one, no receive is in flight while the handler runs.
    const consumer = await consume(
      {
        'user.verified': async ({ id }) => {
          seen.push(id);
          await released;
        },
      },
      { concurrency: 1 },
    );
    await until('the handler runs', () => seen.length === 1);
    const stopped = consumer.stop().then(() => {
      hasStopped = true;
    });
    await send([second]);
    assert.equal(hasStopped, false);
    release();
    await stopped;
    assert.deepEqual(seen, [first.id]);
    const left = await broker.receive('queue-events');
    assert.deepEqual(
      left.map(({ Body }) => JSON.parse(Body ?? '').id),
      [second.id],
    );
    assert.equal(left[0]?.Attributes?.ApproximateReceiveCount, '1');
  });

  it('hides a message while its handler runs', async (test) => {
    const { broker, consume, send } = await setUp(test);
    const sqs = createSqsClient();
    let hiddenSeconds: number | undefined;
    sqs.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const result = await next(args);
          if (commandName === 'ChangeMessageVisibilityBatchCommand') {
            const { Entries } = args.input as { Entries: { VisibilityTimeout: number }[] };
            hiddenSeconds = Entries[0]?.VisibilityTimeout;
          }
          return result;
        },
      { step: 'initialize' },
    );
    const [slow, quick] = [userVerified(), userVerified()];
    await send([slow, quick]);
    let isQuickGone = false;
    await consume(
      {
        'user.verified': async ({ id }) => {
          if (id === quick.id) return;
          await until('the message is hidden for longer', () => hiddenSeconds);
          isQuickGone = (await broker.count('queue-events')) === 1;
        },
      },
      { sqs },
    );
    await until('both are handled', async () => (await broker.count('queue-events')) === 0);
    assert.equal(hiddenSeconds, 30);
    assert.ok(isQuickGone, 'a handled message does not wait for a slow one');
    sqs.destroy();
  });

  it('starts without SQS, survives its outages, and logs each once', async (test) => {
    const { consume, send, drained } = await setUp(test);
    const upstream = new URL(testEnv('AWS_ENDPOINT_URL_SQS'));
    const sockets = new Set<Socket>();
    let isUp = false;
    let refused = 0;
    // A proxy between the consumer and SQS that cuts connections.
    const line = createServer((socket) => {
      socket.on('error', () => undefined);
      if (!isUp) {
        refused += 1;
        socket.destroy();
        return;
      }
      const remote: Socket = connect(Number(upstream.port), upstream.hostname);
      remote.on('error', () => socket.destroy());
      remote.on('close', () => socket.destroy());
      socket.on('close', () => remote.destroy());
      sockets.add(socket);
      socket.pipe(remote).pipe(socket);
    });
    line.listen(0, '127.0.0.1');
    test.after(() => {
      line.close();
      for (const socket of sockets) socket.destroy();
    });
    await once(line, 'listening');
    const { port } = line.address() as AddressInfo;
    const sqs = createSqsClient({ endpoint: `http://127.0.0.1:${port}` });
    const { logger, lines } = recordingLogger();
    const seen: string[] = [];
    const isAsked = async () => {
      const before = refused;
      // A receive makes three attempts, and so does a deletion that the outage interrupted.
      await until('SQS is asked for again', () => refused >= before + 8);
    };
    const outage = () => {
      isUp = false;
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    };
    const consumer = await consume(
      {
        'user.verified': async ({ id }) => {
          seen.push(id);
        },
      },
      { sqs, logger },
    );
    await isAsked();
    const [first, second] = [userVerified(), userVerified()];
    await send([first]);
    isUp = true;
    await until('the first is handled', () => seen.includes(first.id));
    await drained();
    outage();
    await isAsked();
    isUp = true;
    await send([second]);
    await until('the second is handled', () => seen.includes(second.id));
    assert.deepEqual(
      lines.flatMap((entry) => /SQS is (?:unavailable:|available again)/.exec(entry)?.[0] ?? []),
      [
        'SQS is unavailable:',
        'SQS is available again',
        'SQS is unavailable:',
        'SQS is available again',
      ],
    );
    outage();
    await isAsked();
    await consumer.stop();
    sqs.destroy();
  });

  it('receives several messages at once', async (test) => {
    const { consume, send, drained } = await setUp(test);
    const sqs = createSqsClient();
    let largest = 0;
    sqs.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { Messages = [] } = result.output as { Messages?: unknown[] };
        largest = Math.max(largest, Messages.length);
        return result;
      },
      { step: 'initialize' },
    );
    await send(Array.from({ length: 10 }, userVerified));
    await consume({ 'user.verified': async () => undefined }, { sqs });
    await drained();
    assert.equal(largest, 10);
    sqs.destroy();
  });

  it('passes the deliveries and the trace context to the handler', async (test) => {
    const { broker, consume } = await setUp(test);
    const seen = new Map<string, Delivery[]>();
    const [same, own, none] = [userDeleted(), userDeleted(), userDeleted()];
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const publisher = createPublisher(broker);
    await publisher.publish([same], { requestId: 'req-1', traceparent });
    await publisher.publish(
      [own, none],
      new Map([
        [own.id, { requestId: 'req-2' }],
        [none.id, { requestId: 'two\nlines', traceparent: 'nonsense' }],
      ]),
    );
    const { logger, lines } = recordingLogger();
    await consume(
      {
        'user.deleted': async ({ id }, delivery) => {
          const deliveries = seen.get(id) ?? [];
          seen.set(id, [...deliveries, delivery]);
          if (id === same.id) throw new Error('always');
        },
      },
      { logger, retryDelaysSeconds: [1, 1] },
    );
    await until('all are through', async () => (await broker.count('queue-events')) === 0);
    const carried = { requestId: 'req-1', traceparent };
    assert.deepEqual(seen.get(same.id), [
      { receives: 1, isLast: false, ...carried },
      { receives: 2, isLast: false, ...carried },
      { receives: 3, isLast: true, ...carried },
    ]);
    const first = { receives: 1, isLast: false, traceparent: undefined };
    assert.deepEqual(seen.get(own.id), [{ ...first, requestId: 'req-2' }]);
    assert.deepEqual(seen.get(none.id), [{ ...first, requestId: undefined }]);
    assert.ok(lines.length > 0);
    for (const line of lines) assert.match(line, /"requestId":"req-1","traceId":"0af7/);
  });

  it('adds the error to a dead letter, beside its attributes, without e-mail addresses', async (test) => {
    const clock = new ManualClock();
    const { broker, consume } = await setUp(test);
    const event = userDeleted();
    await createPublisher(broker).publish([event], { requestId: 'req-1' });
    await consume(
      {
        'user.deleted': async () => {
          throw new Error(`550 <ana@example.com>:\nno such mailbox ${'x'.repeat(1_000)}`);
        },
      },
      { retryDelaysSeconds: [1, 1], clock },
    );
    const letter = await until('it is a dead letter', async () => {
      const letters = await broker.deadLetters('queue-events');
      return letters[0];
    });
    assert.deepEqual(JSON.parse(letter.Body ?? ''), event);
    const { error, ...others } = Object.fromEntries(
      Object.entries(letter.MessageAttributes ?? {}).map(([name, { StringValue }]) => [
        name,
        StringValue,
      ]),
    );
    assert.deepEqual(others, {
      type: 'user.deleted',
      requestId: 'req-1',
      failedAt: clock.now().toISOString(),
      receives: '3',
    });
    assert.match(error ?? '', /^550 <\(address\)>: no such mailbox xxx/);
    assert.equal(error?.length, 500);
  });

  it('makes a message a dead letter at once on PermanentFailure, after onDeadLetter', async (test) => {
    const { broker, consume, send } = await setUp(test);
    const event = userVerified();
    const told: [Event, unknown, number][] = [];
    let tries = 0;
    await send([event]);
    await broker.send('queue-events', 'no event');
    await consume(
      {
        'user.verified': async () => {
          tries += 1;
          throw new PermanentFailure('550 no such mailbox', { cause: storeDown() });
        },
      },
      {
        retryDelaysSeconds: [1, 1],
        ready: async () => undefined,
        onDeadLetter: async (failed, error) => {
          told.push([failed, error, (await broker.deadLetters('queue-events')).length]);
        },
      },
    );
    const errors: string[] = [];
    await until('both are dead letters', async () => {
      for (const { MessageAttributes } of await broker.deadLetters('queue-events')) {
        errors.push(
          `${MessageAttributes?.receives?.StringValue} ${MessageAttributes?.error?.StringValue}`,
        );
      }
      return errors.length === 2;
    });
    assert.deepEqual(errors, ['1 550 no such mailbox', '3 The message is not JSON']);
    assert.equal(tries, 1);
    assert.equal(told.length, 1);
    assert.deepEqual(told[0]?.[0], event);
    assert.ok(told[0]?.[1] instanceof PermanentFailure);
    assert.equal(told[0]?.[2], 0);
    await until('the queue is empty', async () => (await broker.count('queue-events')) === 0);
  });

  it('leaves the message to SQS when onDeadLetter keeps throwing', async (test) => {
    const { broker, consume, send } = await setUp(test);
    const event = userVerified();
    let told = 0;
    await send([event]);
    await consume(
      { 'user.verified': async () => Promise.reject(new Error('never')) },
      {
        retryDelaysSeconds: [1, 1],
        onDeadLetter: async () => {
          told += 1;
          throw new Error('cannot tell');
        },
      },
    );
    const letter = await until('it is a dead letter', async () => {
      const letters = await broker.deadLetters('queue-events');
      return letters[0];
    });
    assert.equal(told, 1);
    assert.deepEqual(JSON.parse(letter.Body ?? ''), event);
    assert.equal(letter.MessageAttributes?.failedAt, undefined);
  });

  it('duplicates a dead letter when it dies between sending and deleting', async (test) => {
    const { broker, consume, send } = await setUp(test);
    const event = userVerified();
    const sqs = createSqsClient();
    sqs.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName !== 'DeleteMessageCommand') return next(args);
          // The process is gone, and the message becomes visible again.
          const { QueueUrl, ReceiptHandle } = args.input as Record<string, string>;
          await broker.sqs.send(
            new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 1 }),
          );
          throw new Error('killed');
        },
      { step: 'initialize' },
    );
    await send([event]);
    await consume(
      { 'user.verified': async () => Promise.reject(new Error('never')) },
      { sqs, retryDelaysSeconds: [1, 1] },
    );
    const letters: Message[] = [];
    await until('there are two dead letters', async () => {
      letters.push(...(await broker.deadLetters('queue-events')));
      return letters.length === 2;
    });
    for (const { Body } of letters) assert.deepEqual(JSON.parse(Body ?? ''), event);
    assert.equal(await broker.count('queue-events'), 0);
    sqs.destroy();
  });

  // Those of a FIFO queue take more deliveries.
  for (const queue of queueNames.filter((name) => !isFifo(name))) {
    it(`makes invalid messages of ${queue} dead letters without blocking others`, async (test) => {
      const { broker, consume, drained } = await setUp(test);
      const [type] = typesOf(queue);
      const good = Array.from({ length: 12 }, () => eventOf(type));
      const misplaced = eventOf(queue === 'mails' ? 'user.deleted' : 'mail.requested');
      const unknownKind = { ...eventOf('task.due'), data: { kind: 'no.such-kind' } };
      const bad = [
        'not JSON',
        JSON.stringify(misplaced),
        JSON.stringify({ ...eventOf(type), type: 'no.such-type' }),
        JSON.stringify({
          ...eventOf(type),
          dataschema: `https://queue-manager.dev/events/${type}/99`,
        }),
        JSON.stringify(unknownKind),
        randomBytes(128_000).toString('hex'),
      ];
      for (const body of bad) await broker.send(queue, body);
      for (const event of good) await broker.send(queue, JSON.stringify(event));
      const handled: string[] = [];
      let handledWhileBad = 0;
      await consume(
        Object.fromEntries(
          typesOf(queue).map((one) => [
            one,
            async ({ id }: Event) => {
              handled.push(id);
              if ((await broker.count(queue)) >= bad.length) handledWhileBad += 1;
            },
          ]),
        ),
        { queue, retryDelaysSeconds: [1, 1] },
      );
      const letters: Message[] = [];
      await until('all bad ones are dead letters', async () => {
        letters.push(...(await broker.deadLetters(queue)));
        return letters.length === bad.length;
      });
      assert.deepEqual(letters.map(({ Body }) => Body).sort(), bad.sort());
      for (const { MessageAttributes } of letters) {
        assert.equal(MessageAttributes?.receives?.StringValue, '3');
        assert.match(
          MessageAttributes?.error?.StringValue ?? '',
          /^The message (?:is|has|violates) /,
        );
      }
      await drained(queue);
      assert.deepEqual(handled.sort(), good.map(({ id }) => id).sort());
      assert.equal(handledWhileBad, good.length);
    });
  }
});
