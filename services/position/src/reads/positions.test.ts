import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createPublisher } from '@queue-manager/events/publish';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import { createTicketCodec } from '@queue-manager/service-kit/tickets';
import { createModel, estimate, modelName } from '../model/model.ts';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  startPosition,
  startQueueService,
} from '../testing.ts';

const clock = new ManualClock();

describe('the position service', () => {
  let queueService: QueueServiceDouble;
  let position: PositionDouble;

  const started = new AsyncDisposableStack();
  before(async () => {
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    position = started.adopt(
      await startPosition({ redisUrl: testEnv('REDIS_URL'), queueService, clock }),
      (service) => service.close(),
    );
  });
  after(() => started.disposeAsync());

  /** A queue whose events have reached the projection. */
  async function applied(model = new LineModel(clock)): Promise<LineModel> {
    queueService.lines.set(model.queueId, model);
    const { status, body } = await position.apply(model.events);
    assert.equal(status, 200);
    assert.ok(body.answers.every((answer: { outcome: string }) => answer.outcome === 'applied'));
    return model;
  }

  async function quietly<T>(work: () => Promise<T>): Promise<T> {
    const before = { ...queueService.calls };
    const result = await work();
    assert.deepEqual(queueService.calls, before, 'the queue service was asked');
    return result;
  }

  /** Redis commands about a queue from now on, without those inside scripts. */
  async function monitor(queueId: string): Promise<() => string[]> {
    const { hostname, port, username, password } = new URL(testEnv('REDIS_URL'));
    const socket = started.adopt(connect(Number(port), hostname), (open) => {
      open.destroy();
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    if (password !== '') socket.write(`AUTH ${username || 'default'} ${password}\r\n`);
    socket.write('MONITOR\r\n');
    await until('Redis shows its commands', () => text.includes('+OK'));
    const isAboutIt = (line: string) => line.includes(queueId) && !line.includes(' lua] ');
    return () => text.split('\r\n').filter(isAboutIt);
  }

  /** The estimate of an untaught model. */
  const untaught = (ahead: number, waiting: number) =>
    estimate(createModel(), {
      ahead,
      lane: 'regular',
      size: 1,
      waiting,
      nowMs: clock.now().getTime(),
    });

  const partyIdOf = (event: { subject: string }) => event.subject;

  describe('GET /v1/positions/{ticket}', () => {
    it("returns a waiting party's position with one command to Redis", async () => {
      const model = new LineModel(clock);
      const [first, second] = [model.join(), model.join()];
      await applied(model);
      const answers = await quietly(() =>
        Promise.all(
          [first, second].map((event) => position.position(model.ticket(partyIdOf(event)))),
        ),
      );
      assert.deepEqual(answers[0]?.body, {
        state: 'waiting',
        position: 1,
        ahead: 0,
        waiting: 2,
        estimate: {
          ...untaught(0, 2),
          model: modelName,
          asOf: clock.now().toISOString(),
        },
        asOf: clock.now().toISOString(),
        seq: 3,
      });
      assert.equal(answers[1]?.body.position, 2);
      assert.equal(answers[1]?.body.ahead, 1);
      assert.equal(answers[1]?.headers['cache-control'], 'no-store');

      const commands = await monitor(model.queueId);
      await position.position(model.ticket(partyIdOf(first)));
      await position.redis.get(`the end of {${model.queueId}}`);
      const seen = await until('the last command was seen', () =>
        commands().at(-1)?.includes('the end of') ? commands() : null,
      );
      assert.equal(seen.length, 2);
      assert.match(seen[0] as string, /"evalsha"/i);
    });

    it('puts the priority lane before the regular one', async () => {
      const model = new LineModel(clock);
      const regular = model.join('regular');
      const priority = model.join('priority');
      await applied(model);
      const places = [priority, regular].map(async (event) => {
        const { body } = await position.position(model.ticket(partyIdOf(event)));
        return body.position;
      });
      assert.deepEqual(await Promise.all(places), [1, 2]);
    });

    it('returns the state of called and ended parties, without position or estimate', async () => {
      const model = new LineModel(clock);
      const [called, left, seated] = [model.join(), model.join(), model.join()].map(partyIdOf);
      model.join();
      model.call(called as string);
      model.end(left as string, 'left');
      model.end(seated as string, 'seated');
      await applied(model);
      // The first event causes a rebuild, and snapshots lack parties that left: they leave once more.
      model.change(left as string, { state: 'waiting' });
      model.change(seated as string, { state: 'waiting' });
      model.end(left as string, 'left');
      model.end(seated as string, 'seated');
      await position.apply(model.events);
      for (const [partyId, state] of [
        [called, 'called'],
        [left, 'left'],
        [seated, 'seated'],
      ]) {
        const { body } = await quietly(() => position.position(model.ticket(partyId as string)));
        assert.deepEqual(body, {
          state,
          position: null,
          ahead: null,
          waiting: 1,
          estimate: null,
          asOf: clock.now().toISOString(),
          seq: model.queue.seq,
        });
      }
    });

    it('returns a restored party to its original position', async () => {
      const model = new LineModel(clock);
      const [first] = [model.join(), model.join()].map(partyIdOf);
      await applied(model);
      await position.apply([model.end(first as string, 'no_show')]);
      assert.equal((await position.position(model.ticket(first as string))).body.state, 'no_show');
      await position.apply([model.change(first as string, { state: 'waiting' })]);
      const { body } = await quietly(() => position.position(model.ticket(first as string)));
      assert.deepEqual([body.state, body.position], ['waiting', 1]);
    });

    it('asks the queue service once about a party that left long ago', async () => {
      const model = new LineModel(clock);
      const partyId = partyIdOf(model.join());
      model.end(partyId, 'removed');
      await applied(model);
      const before = queueService.calls.parties;
      for (let turn = 0; turn < 3; turn++) {
        const { status, body } = await position.position(model.ticket(partyId));
        assert.deepEqual([status, body.state, body.position], [200, 'removed', null]);
      }
      assert.equal(queueService.calls.parties, before + 1);
      await position.apply([model.change(partyId, { state: 'waiting' })]);
      assert.equal((await position.position(model.ticket(partyId))).body.position, 1);
      await position.apply([model.end(partyId, 'seated')]);
      assert.equal((await position.position(model.ticket(partyId))).body.state, 'seated');
      assert.equal(queueService.calls.parties, before + 1);
    });

    it('returns 404 for a ticket that is malformed, tampered with or signed with an unknown key', async () => {
      const model = new LineModel(clock);
      const partyId = partyIdOf(model.join());
      await applied(model);
      const good = model.ticket(partyId);
      const foreign = createTicketCodec([{ id: 1, secret: 'A'.repeat(43) }]);
      const tampered = good.slice(0, 30) + (good[30] === 'A' ? 'B' : 'A') + good.slice(31);
      for (const ticket of [
        'nonsense',
        tampered,
        foreign.issue({ queueId: model.queueId, partyId }),
      ]) {
        const { status, body } = await quietly(() => position.position(ticket));
        assert.equal(status, 404);
        assert.match(body.type, /not-found$/);
      }
    });

    it('returns 404 for a valid ticket only if the queue service does not know the party or queue', async () => {
      const model = await applied();
      assert.equal((await position.position(model.ticket(randomUUID()))).status, 404);
      const unknown = new LineModel(clock);
      assert.equal((await position.position(unknown.ticket(randomUUID()))).status, 404);
    });
  });

  describe('GET /v1/boards/{queueId}', () => {
    it('shows the latest 20 calls, by number', async () => {
      const model = new LineModel(clock);
      const ids = Array.from({ length: 25 }, () => partyIdOf(model.join()));
      for (const id of ids.slice(0, 22)) {
        clock.advance(60);
        model.call(id);
      }
      await applied(model);
      const { status, body } = await quietly(() => position.board(model.queueId));
      assert.equal(status, 200);
      assert.equal(body.queueName, 'Tables');
      assert.equal(body.state, 'open');
      assert.equal(body.waiting, 3);
      assert.equal(body.called.length, 20);
      assert.deepEqual(body.called[0], { label: '22', calledAt: clock.now().toISOString() });
      assert.equal(body.called[19].label, '3');
    });

    it('shows names if the queue is set to, caches them, and falls back to numbers', async () => {
      const model = new LineModel(clock, { boardLabels: 'name' });
      const [ana, unnamed] = [model.join(), model.join()].map(partyIdOf) as [string, string];
      queueService.labels.set(ana, 'Ana S.');
      model.call(unnamed);
      clock.advance(1);
      model.call(ana);
      await applied(model);
      const labels = async () =>
        (await position.board(model.queueId)).body.called.map(
          ({ label }: { label: string }) => label,
        );
      const before = queueService.calls.labels;
      assert.deepEqual(await labels(), ['Ana S.', '2']);
      assert.deepEqual(await labels(), ['Ana S.', '2']);
      assert.equal(queueService.calls.labels, before + 1);

      clock.advance(31);
      queueService.isUnavailable = true;
      try {
        assert.deepEqual(await labels(), ['1', '2']);
        assert.deepEqual(await labels(), ['1', '2']);
        assert.equal(queueService.calls.labels, before + 2);
      } finally {
        queueService.isUnavailable = false;
      }
      clock.advance(3);
      assert.deepEqual(await labels(), ['Ana S.', '2']);
    });

    it('estimates the wait for a join now, and none while the queue is not open', async () => {
      const model = new LineModel(clock);
      model.join();
      await applied(model);
      assert.equal((await position.board(model.queueId)).body.estimate.p50, untaught(1, 2).p50);
      await position.apply([model.changeQueue({ state: 'paused', name: 'Terrace' })]);
      const { body } = await position.board(model.queueId);
      assert.deepEqual([body.queueName, body.state, body.estimate], ['Terrace', 'paused', null]);
    });

    it('returns 404 for an unknown or deleted queue, without its guests', async () => {
      assert.equal((await position.board(randomUUID())).status, 404);
      assert.equal((await position.board('nonsense')).status, 404);
      const model = new LineModel(clock);
      const partyId = partyIdOf(model.join());
      await applied(model);
      await position.apply([
        model.end(partyId, 'removed'),
        model.changeQueue({ state: 'closed', deleted: true }),
      ]);
      assert.equal((await position.board(model.queueId)).status, 404);
      assert.equal((await position.places(model.queueId, [])).status, 404);
      assert.equal((await position.position(model.ticket(partyId))).body.state, 'removed');
    });

    it('accepts an upper-case id for the same queue', async () => {
      const model = await applied();
      const { status } = await quietly(() => position.board(model.queueId.toUpperCase()));
      assert.equal(status, 200);
    });
  });

  describe('POST /internal/events', () => {
    it('answers each event in order, across queues, with the place of its party', async () => {
      const [tables, bar] = [await applied(), await applied()];
      const events = [tables.join(), bar.join(), tables.join(), bar.changeQueue({ name: 'Bar' })];
      events.push(bar.call(partyIdOf(events[1] as { subject: string })));
      const { body } = await quietly(() => position.apply(events));
      assert.deepEqual(
        body.answers.map((answer: { outcome: string; place: { position: number } | null }) => [
          answer.outcome,
          answer.place?.position ?? null,
        ]),
        [
          ['applied', 1],
          ['applied', null],
          ['applied', 2],
          ['applied', null],
          ['applied', null],
        ],
      );
    });

    it('answers pending until the earlier event arrives, then applies both', async () => {
      const model = await applied();
      const [early, late] = [model.join(), model.join()];
      const first = await position.apply([late]);
      assert.deepEqual(first.body.answers, [{ outcome: 'pending', place: null }]);
      const { body } = await position.apply([early]);
      assert.equal(body.answers[0].place.position, 1);
      const seen = await quietly(() => position.position(model.ticket(partyIdOf(late))));
      assert.equal(seen.body.position, 2);
    });

    it('answers applied for events of a queue that no longer exists', async () => {
      const gone = new LineModel(clock);
      const { status, body } = await position.apply([gone.join()]);
      assert.equal(status, 200);
      assert.deepEqual(body.answers, [{ outcome: 'applied', place: null }]);
    });

    it('answers pending while the projection cannot be rebuilt, and loses nothing', async () => {
      const model = new LineModel(clock);
      queueService.lines.set(model.queueId, model);
      const joined = model.join();
      queueService.isUnavailable = true;
      try {
        const { status, body } = await position.apply([joined]);
        assert.equal(status, 200);
        assert.equal(body.answers[0].outcome, 'pending');
        const { status: readStatus, headers } = await position.position(
          model.ticket(partyIdOf(joined)),
        );
        assert.equal(readStatus, 503);
        assert.equal(headers['retry-after'], '1');
      } finally {
        queueService.isUnavailable = false;
      }
      assert.equal((await position.position(model.ticket(partyIdOf(joined)))).body.position, 1);
    });

    it('accepts the maximum number of events', async () => {
      const model = await applied();
      const events = Array.from({ length: 1_000 }, () => model.join());
      const { status, body } = await quietly(() => position.apply(events));
      assert.equal(status, 200);
      assert.equal(body.answers[999].place.position, 1_000);
    });

    it('returns 401 without the internal credential', async () => {
      const answer = await position.app.inject({ method: 'POST', url: '/internal/events' });
      assert.equal(answer.statusCode, 401);
    });
  });

  it('returns places of parties, and the estimate for a join now', async () => {
    const model = new LineModel(clock);
    const ids = Array.from({ length: 3 }, () => partyIdOf(model.join())) as [
      string,
      string,
      string,
    ];
    model.call(ids[0]);
    await applied(model);
    const asked = [ids[2], ids[0], randomUUID(), ids[1]];
    const { status, body } = await quietly(() => position.places(model.queueId, asked));
    assert.equal(status, 200);
    assert.deepEqual([body.seq, body.waiting], [5, 2]);
    assert.equal(body.estimateIfJoined.p50, untaught(2, 3).p50);
    assert.deepEqual(
      body.places.map((place: { position: number } | null) => place?.position ?? null),
      [2, null, null, 1],
    );
    assert.equal((await position.places(randomUUID(), [])).status, 404);
  });

  it('consumes events from SQS, repeated and in any order', async () => {
    const model = await applied();
    const [a, b, c] = [model.join(), model.join(), model.join()];
    const called = model.call(partyIdOf(a));
    const events = [called, c, b, a, c, called, model.changeQueue({ name: 'Late' }), b];
    const { sqs, prefix } = position.queues;
    const { failed } = await createPublisher({ sqs, prefix }).publish(events);
    assert.equal(failed.size, 0);
    await until('the events are applied', async () => {
      const { body } = await position.board(model.queueId);
      return body.queueName === 'Late';
    });
    const { body } = await position.position(model.ticket(partyIdOf(c)));
    assert.deepEqual([body.position, body.seq], [2, model.queue.seq]);
    assert.equal((await position.position(model.ticket(partyIdOf(a)))).body.state, 'called');
    await until(
      'the queue is empty',
      async () => (await position.queues.count('position-events')) === 0,
    );
  });

  it('is ready when Redis and SQS are', async () => {
    assert.equal((await position.get('/readyz')).status, 200);
  });
});
