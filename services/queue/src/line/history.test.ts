import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PartySnapshot, QueueSnapshot } from '@queue-manager/contracts/events';
import { type Lane, type PartyState, partyStates } from '@queue-manager/contracts/parties';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import fc from 'fast-check';
import { type QueueService, startQueueService, testStart } from '../testing.ts';
import {
  BrokenHistory,
  countByState,
  foldHistory,
  type History,
  partiesIn,
  readLineEvents,
} from './history.ts';
import { partySnapshot, queueSnapshot } from './snapshots.ts';

/** Moves of a host that take nothing but the party. */
const moves = ['call', 'seat', 'depart', 'no-show', 'remove', 'restore'] as const;

/** What somebody tries; `pick` chooses a party of all that ever joined. Refused ones leave no trace. */
type Step =
  | { kind: 'add'; lane: Lane; size: number; email: boolean }
  | { kind: 'join'; size: number }
  | { kind: 'call-next'; maxSize: number | null }
  | { kind: (typeof moves)[number]; pick: number }
  | { kind: 'confirm' | 'leave'; pick: number }
  | { kind: 'snooze' | 'move'; pick: number; places: number }
  | { kind: 'resize'; pick: number; size: number }
  | { kind: 'pause' | 'open' }
  | { kind: 'close'; expireWaiting: boolean }
  | { kind: 'rename'; name: string };

const pick = fc.nat(1_000);
const size = fc.integer({ min: 1, max: 8 });
const kinds = <const K extends string>(...names: K[]) => fc.constantFrom(...names);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: kinds('add'),
      lane: kinds('regular', 'priority'),
      size,
      email: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kinds('join'), size }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kinds('call-next'), maxSize: fc.option(size) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: kinds(...moves), pick }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kinds('confirm', 'leave'), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kinds('snooze', 'move'),
      pick,
      places: fc.integer({ min: 1, max: 10 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kinds('resize'), pick, size }) },
  { weight: 2, arbitrary: fc.record({ kind: kinds('pause', 'open') }) },
  { weight: 1, arbitrary: fc.record({ kind: kinds('close'), expireWaiting: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: kinds('rename'), name: kinds('Bar', 'Garden') }) },
);

/** A line as one reader or the other sees it, in a form that can be compared. */
type Seen = {
  queue: QueueSnapshot;
  counts: Record<PartyState, number>;
  waiting: string[];
  called: string[];
  parties: Record<string, PartySnapshot>;
};

describe('the history of a line', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  /** The line by its tables. The order is the database's own. */
  async function tables(queueId: string): Promise<Seen> {
    const queue = await service.rowOf(queueId);
    const rows = await service.db
      .selectFrom('parties')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(queueId))
      .orderBy('lane')
      .orderBy('order_key')
      .orderBy('id')
      .execute();
    const parties = rows.map(partySnapshot);
    const idsIn = (state: PartyState) =>
      parties.filter((party) => party.state === state).map(({ partyId }) => partyId);
    const counts = Object.fromEntries(
      partyStates.map((state) => [state, idsIn(state).length]),
    ) as Record<PartyState, number>;
    return {
      queue: queueSnapshot(queue),
      // The counters of the queue's row stand for the two states that it counts.
      counts: { ...counts, waiting: queue.waiting, called: queue.called },
      waiting: idsIn('waiting'),
      called: idsIn('called'),
      parties: Object.fromEntries(parties.map((party) => [party.partyId, party])),
    };
  }

  function seen(history: History): Seen {
    const idsIn = (state: PartyState) => partiesIn(history, state).map(({ partyId }) => partyId);
    return {
      // The row's `seq` is that of the line's last event, which need not be about the queue itself.
      queue: { ...history.queue, seq: history.seq },
      counts: countByState(history),
      waiting: idsIn('waiting'),
      called: idsIn('called'),
      parties: Object.fromEntries(history.parties),
    };
  }

  async function historyOf(queueId: string, at: Date | null, perPage?: number): Promise<Seen> {
    const history = await foldHistory(readLineEvents(service.db, queueId, perPage), at);
    assert.ok(history !== undefined);
    return seen(history);
  }

  async function play(
    line: { owner: string; queueId: string; joinCode: string },
    step: Step,
  ): Promise<void> {
    const { owner, queueId, joinCode } = line;
    const post = (path: string, body?: object) =>
      service.call('POST', path, { as: owner, ...(body === undefined ? {} : { body }) });
    switch (step.kind) {
      case 'add': {
        const { lane, size, email } = step;
        const contact = email ? { email: 'ana@example.com' } : {};
        await service.add(queueId, owner, { lane, size, ...contact });
        break;
      }
      case 'join':
        await service.join(joinCode, { size: step.size });
        break;
      case 'call-next':
        await post(
          `/v1/queues/${queueId}/call-next`,
          step.maxSize === null ? {} : { maxSize: step.maxSize },
        );
        break;
      case 'pause':
      case 'open':
        await post(`/v1/queues/${queueId}/${step.kind}`);
        break;
      case 'close':
        await post(`/v1/queues/${queueId}/close`, { expireWaiting: step.expireWaiting });
        break;
      case 'rename':
        await service.call('PATCH', `/v1/queues/${queueId}`, {
          as: owner,
          body: { name: step.name },
        });
        break;
      default: {
        const all = await service.listAll(queueId, owner, `&state=${partyStates.join(',')}`);
        const party = all[step.pick % Math.max(1, all.length)];
        if (party === undefined) return;
        if (step.kind === 'resize') {
          await service.call('PATCH', `/v1/parties/${party.id}`, {
            as: owner,
            body: { size: step.size },
          });
        } else if (step.kind === 'move') {
          const body = { position: step.places, reason: 'Has a cake' };
          await post(`/v1/parties/${party.id}/move`, body);
        } else if (step.kind === 'snooze' || step.kind === 'confirm' || step.kind === 'leave') {
          const body = step.kind === 'snooze' ? { places: step.places } : undefined;
          await post(`/v1/tickets/${party.ticket}/${step.kind}`, body);
        } else await service.move(party, step.kind, owner);
      }
    }
  }

  it('equals the tables, now and at any earlier moment, after random changes', async () => {
    await fc.assert(
      fc.asyncProperty(
        // Seconds from one step to the next; 0 puts several into one moment.
        fc.array(fc.tuple(step, fc.integer({ min: 0, max: 2 })), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        async (steps, perPage) => {
          const line = await service.openLine();
          const { queueId } = line;
          /** What the tables were when each moment was over. */
          const moments = new Map<number, Seen>();
          const note = async () => {
            moments.set(service.clock.now().getTime(), await tables(queueId));
          };
          await note();
          for (const [step, seconds] of steps) {
            service.clock.advance(seconds);
            await play(line, step);
            await note();
          }

          assert.deepEqual(await historyOf(queueId, null, perPage), await tables(queueId));
          for (const [time, then] of moments) {
            assert.deepEqual(await historyOf(queueId, new Date(time), perPage), then);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is undefined before the queue was created', async () => {
    const { queueId } = await service.openLine();
    const before = new Date(service.clock.now().getTime() - 1);
    assert.equal(await foldHistory(readLineEvents(service.db, queueId), before), undefined);
    assert.equal(await foldHistory([]), undefined);
  });

  it('throws at a missing event', async () => {
    const { owner, queueId } = await service.openLine();
    await service.add(queueId, owner);
    await service.add(queueId, owner);
    const events = await Array.fromAsync(readLineEvents(service.db, queueId));
    await assert.rejects(foldHistory(events.filter((_, index) => index !== 1)), BrokenHistory);
    await assert.rejects(foldHistory(events.slice(1)), BrokenHistory);
  });
});

describe('npm run history', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  async function run(args: string[], url = service.databaseUrl) {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../history-cli.ts', import.meta.url)), ...args],
      {
        env: { ...process.env, MYSQL_URL: url },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const [out, err] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    return { code: child.exitCode, out, err };
  }

  it('prints a line as text and as JSON', async () => {
    const { owner, queueId } = await service.openLine({ name: 'Bar' });
    await service.add(queueId, owner, { name: 'Ana Lima', size: 3 });
    await service.add(queueId, owner, { lane: 'priority' });
    await service.add(queueId, owner);
    service.clock.advance(60);
    const then = service.clock.now().toISOString();
    await service.call('POST', `/v1/queues/${queueId}/call-next`, { as: owner });
    service.clock.advance(60);
    await service.call('POST', `/v1/queues/${queueId}/close`, {
      as: owner,
      body: { expireWaiting: true },
    });

    const now = await run([queueId]);
    assert.deepEqual([now.code, now.err], [0, '']);
    assert.match(now.out, /^Bar: closed, after event 8 /);
    assert.match(now.out, /0 waiting, 1 called, 0 seated, .*2 removed/);

    const { code, out } = await run([queueId, '--at', then, '--json']);
    assert.equal(code, 0);
    const history = JSON.parse(out);
    assert.deepEqual(
      [history.at, history.seq, history.time, history.queue.state],
      [then, 5, then, 'open'],
    );
    const places = (rows: Record<string, unknown>[]) =>
      rows.map(({ number, lane, size, state, since }) => [number, lane, size, state, since]);
    assert.deepEqual(places(history.waiting), [
      [1, 'regular', 3, 'waiting', testStart],
      [3, 'regular', 1, 'waiting', testStart],
    ]);
    assert.deepEqual(places(history.called), [[2, 'priority', 1, 'called', then]]);
    assert.equal(history.counts.removed, 0);
    assert.ok(!out.includes('Ana'));
    assert.match(
      (await run([queueId, '--at', then])).out,
      new RegExp(`^ {2}1 +1 +regular +3 +waiting +${testStart.slice(0, 10)}`, 'm'),
    );
  });

  it('prints one line for an error', async () => {
    const { queueId } = await service.openLine();
    for (const [args, complaint] of [
      [[], /QUEUE_ID/],
      [['Bar'], /is not a queue id/],
      [[newId(service.clock)], /there is no queue/],
      [[queueId, '--at', 'yesterday'], /--at must be a time/],
      [[queueId, '--at', '2001-01-01T00:00:00Z'], /did not exist yet/],
      [[queueId, '--when', 'now'], /--when/],
    ] as const) {
      const { code, out, err } = await run([...args]);
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, complaint);
      assert.equal(err.trim().split('\n').length, 1, err);
    }
    const unreachable = await run([queueId], 'mysql://127.0.0.1:1/none');
    assert.equal(unreachable.code, 1);
    assert.match(unreachable.err, /^the database cannot be read: .*\n$/);
  });
});
