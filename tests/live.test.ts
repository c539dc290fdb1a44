import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type Client, createClient } from '@queue-manager/client/client';
import { type Contract, pathOf } from '@queue-manager/contracts/contract';
import { leaveQueue } from '@queue-manager/contracts/guests';
import type { HistoryEvent } from '@queue-manager/contracts/history';
import {
  liveBoard,
  liveQueue,
  liveTicket,
  liveVenue,
  type VenueEvent,
  type VenueQueue,
} from '@queue-manager/contracts/live';
import { changeOccupancy, getOccupancy } from '@queue-manager/contracts/occupancy';
import {
  addParty,
  callNext,
  callParty,
  departParty,
  listParties,
  noShowParty,
  type Party,
  type PartyState,
  removeParty,
  restoreParty,
  seatParty,
} from '@queue-manager/contracts/parties';
import type { Board, Position } from '@queue-manager/contracts/positions';
import {
  createQueue,
  deleteQueue,
  getQueue,
  pauseQueue,
  type Queue,
} from '@queue-manager/contracts/queues';
import { createVenue, updateVenue } from '@queue-manager/contracts/venues';
import { withPositionProcesses } from '@queue-manager/local-stack/system/services';
import { standAloneEnv } from '@queue-manager/local-stack/system/stand-alone';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { until } from '@queue-manager/service-kit/testing';
import { type EventSource, followEvents } from '@queue-manager/service-kit/testing/event-source';
import { openAccount } from './support/accounts.ts';

/*
 * Uses its own system, whose two processes of the position service are killed. Clients connect through the gateway and
 * behave like browsers: they reopen streams that end, and give up when refused.
 */

const processes = ['position', 'position-2'] as const;
const watchersMax = 200;
const hosts = 4;

describe('live streams', () => {
  let dataDir: string;
  let release: (() => Promise<void>) | undefined;
  let system: System;
  let token: string;
  let venueId: string;

  const succeed: Client['succeed'] = (contract, options) =>
    createClient(system.gatewayUrl).succeed(contract, options);

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'queue-manager-live-'));
    const own = await standAloneEnv(process.env);
    release = own.release;
    system = await startSystem({
      dataDir,
      // A killed process is slow to restart on a busy machine, and browsers give up once refused.
      env: { ...own.env, UPSTREAM_TIMEOUT_MS: '60000' },
      services: withPositionProcesses(processes.length),
    });
    token = (await openAccount({}, { succeed, mailUrl: system.mailUrl ?? '' })).token;
    const body = { name: 'The Blue Door', timezone: 'Europe/Lisbon' };
    venueId = (await succeed(createVenue, { token, body })).id;
  });

  after(async () => {
    await system?.stop();
    await release?.();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  const openQueue = (): Promise<Queue> =>
    succeed(createQueue, {
      token,
      params: { venueId },
      body: { name: 'Tables', callGraceSeconds: 86_400 },
    });
  const addGuest = (queue: Queue, name: string): Promise<Party> =>
    succeed(addParty, { token, params: { queueId: queue.id }, body: { name } });

  function follow(t: TestContext, contract: Contract, params: Record<string, string>): EventSource {
    const source = followEvents(new URL(pathOf(contract, params), system.gatewayUrl), {
      headers: contract.auth === 'host' ? { authorization: `Bearer ${token}` } : {},
    });
    t.after(() => source.close());
    return source;
  }
  const read = <T>({ events }: EventSource) => events.map(({ data }) => JSON.parse(data) as T);
  const last = <T>({ events }: EventSource) => {
    const data = events.at(-1)?.data;
    return data === undefined ? undefined : (JSON.parse(data) as T);
  };
  const sees = (source: EventSource, state: PartyState, position: number | null = null) =>
    until(`the guest sees ${state} ${position}`, () => {
      const seen = last<Position>(source);
      return seen?.state === state && seen.position === position;
    });
  const kill = async (name: (typeof processes)[number]) => {
    const before = system.pids(name);
    system.kill(name, 'SIGKILL');
    await until(`${name} is gone`, () => !system.pids(name).some((pid) => before.includes(pid)));
  };

  it('show each change, also across a crash', async (t) => {
    const queue = await openQueue();
    const params = { queueId: queue.id };
    const [ana, bea, eva] = [
      await addGuest(queue, 'Ana'),
      await addGuest(queue, 'Bea'),
      await addGuest(queue, 'Eva'),
    ];
    const guest = follow(t, liveTicket, { ticket: eva.ticket });
    const board = follow(t, liveBoard, params);
    const staff = follow(t, liveQueue, params);
    await sees(guest, 'waiting', 3);
    await until('the board is shown', () => last<Board>(board)?.waiting === 3);
    await until('the staff follow', () => staff.lastEventId !== '');
    const begin = Number(staff.lastEventId);

    await succeed(callNext, { token, params });
    await sees(guest, 'waiting', 2);
    await until(
      'Ana is on the board',
      () => last<Board>(board)?.called[0]?.label === `${ana.number}`,
    );
    await succeed(seatParty, { token, params: { partyId: ana.id } });
    await succeed(leaveQueue, { params: { ticket: bea.ticket } });
    await sees(guest, 'waiting', 1);
    await succeed(callParty, { token, params: { partyId: eva.id } });
    await sees(guest, 'called');
    await until(
      'Eva is on the board',
      () => last<Board>(board)?.called[0]?.label === `${eva.number}`,
    );

    await Promise.all(processes.map(kill));
    await succeed(seatParty, { token, params: { partyId: eva.id } });
    await sees(guest, 'seated');
    await until('the board is empty', () => last<Board>(board)?.called.length === 0);
    await until('the staff know all', () => Number(staff.lastEventId) === begin + 5);
    assert.deepEqual(
      read<HistoryEvent>(staff).map(({ seq, type, partyId }) => [seq - begin, type, partyId]),
      [
        [1, 'party.called', ana.id],
        [2, 'party.seated', ana.id],
        [3, 'party.left', bea.id],
        [4, 'party.called', eva.id],
        [5, 'party.seated', eva.id],
      ],
    );
    for (const source of [guest, board, staff]) {
      assert.ok(source.statuses.length > 1, 'nothing was killed');
      assert.deepEqual([...new Set(source.statuses)], [200]);
    }
  });

  it('show a stand its whole venue, also across a crash, and nothing of another', async (t) => {
    const body = { name: 'The Red Door', timezone: 'Europe/Lisbon', capacity: 20 };
    const { id } = await succeed(createVenue, { token, body });
    const open = (name: string) =>
      succeed(createQueue, { token, params: { venueId: id }, body: { name } });
    const add = (queue: Queue, size: number) =>
      succeed(addParty, { token, params: { queueId: queue.id }, body: { name: 'Ana', size } });
    const of = (party: Party) => ({ token, params: { partyId: party.id } });
    const click = (delta: number) =>
      succeed(changeOccupancy, { token, params: { venueId: id }, body: { delta } });

    const [tables, bar] = [await open('Tables'), await open('Bar')];
    const elsewhere = await openQueue();
    const early = await add(tables, 2);
    const stand = follow(t, liveVenue, { venueId: id });
    const ofType = <T>(type: string) =>
      stand.events.filter((event) => event.type === type).map(({ data }) => JSON.parse(data) as T);
    await until('the stand shows both queues', () => ofType('queue').length === 2);
    await until('the count arrives', () => ofType('occupancy').length === 1);

    /** Compares what the stand has been sent with what the API returns. */
    const isTrue = (queues: Queue[]) =>
      until('the stand shows the venue as it is', async () => {
        const parties = new Map<string, VenueEvent>();
        for (const event of ofType<VenueEvent>('party')) {
          const known = parties.get(event.partyId ?? '');
          if ((known?.seq ?? 0) < event.seq) parties.set(event.partyId ?? '', event);
        }
        const shown = new Map<string, VenueQueue>();
        for (const queue of ofType<VenueQueue>('queue')) {
          if (queue.deleted) shown.delete(queue.id);
          else shown.set(queue.id, queue);
        }
        const occupancy = await succeed(getOccupancy, { token, params: { venueId: id } });
        const found: unknown[] = [ofType('occupancy').at(-1)];
        const expected: unknown[] = [occupancy];
        for (const { id: queueId } of queues) {
          const params = { queueId };
          const queue = await succeed(getQueue, { token, params });
          const { seq: _, deleted, ...view } = shown.get(queueId) ?? {};
          const { data } = await succeed(listParties, { token, params });
          expected.push(queue, ...data.map(({ id, state }) => [id, state]));
          found.push(view, ...data.map(({ id }) => [id, parties.get(id)?.party?.state]));
        }
        return shown.size === queues.length && isDeepStrictEqual(found, expected);
      });

    await succeed(callParty, of(early));
    await succeed(seatParty, of(early));
    await click(3);
    await succeed(pauseQueue, { token, params: { queueId: bar.id } });
    await isTrue([tables, bar]);

    await Promise.all(processes.map(kill));
    const { length } = stand.events;
    const late = await add(tables, 4);
    await succeed(seatParty, of(late));
    await succeed(departParty, of(early));
    await succeed(restoreParty, of(early));
    await click(-1);
    await succeed(updateVenue, { token, params: { venueId: id }, body: { capacity: 30 } });
    const terrace = await open('Terrace');
    await add(terrace, 5);
    await succeed(deleteQueue, { token, params: { queueId: bar.id } });
    await addGuest(elsewhere, 'Eva');
    await isTrue([tables, terrace]);
    assert.ok(stand.events.length > length);
    assert.ok(stand.statuses.length > 1, 'nothing was killed');
    assert.deepEqual([...new Set(stand.statuses)], [200]);
    const seqs = ofType<VenueEvent>('party')
      .filter(({ queueId }) => queueId === tables.id)
      .map(({ seq }) => seq);
    assert.deepEqual(seqs, [3, 4, 5, 6, 7, 8]);
    assert.ok(!JSON.stringify(stand.events).includes(elsewhere.id));
  });

  it('deliver every final state when one of two processes is killed under load', async (t) => {
    const queue = await openQueue();
    const params = { queueId: queue.id };
    const parties: Party[] = [];
    for (let index = 0; index < watchersMax; index++)
      parties.push(await addGuest(queue, `G${index}`));
    const watchers = new Map(
      parties.map(({ id, ticket }) => [id, follow(t, liveTicket, { ticket })] as const),
    );
    const staff = follow(t, liveQueue, params);
    await until('all watch', () => [...watchers.values()].every(({ events }) => events.length > 0));
    await until('the staff follow', () => staff.lastEventId !== '');
    const begin = Number(staff.lastEventId);

    const finals = new Map<string, PartyState>();
    let moves = 0;
    const ways = [seatParty, noShowParty, removeParty, seatParty] as const;
    const play = async () => {
      while (finals.size < watchersMax) {
        const answer = await createClient(system.gatewayUrl).call(callNext, { token, params });
        if (!answer.ok) return;
        const { id, number } = answer.body;
        const way = ways[number % ways.length] as typeof seatParty;
        const { state } = await succeed(way, { token, params: { partyId: id } });
        finals.set(id, state);
        moves += 2;
      }
    };
    const playing = Promise.all(Array.from({ length: hosts }, play));
    await until('a good part is done', () => finals.size >= watchersMax / 4);
    await kill('position-2');
    await playing;

    assert.equal(finals.size, watchersMax);
    for (const [id, state] of finals) {
      const watcher = watchers.get(id) as EventSource;
      await until(`a guest sees ${state}`, () => last<Position>(watcher)?.state === state);
      const seqs = read<Position>(watcher).map(({ seq }) => seq);
      assert.deepEqual(
        seqs,
        seqs.toSorted((a, b) => a - b),
        'an older place came after a newer',
      );
      assert.deepEqual([...new Set(watcher.statuses)], [200]);
    }
    const reopened = [...watchers.values()].filter(({ statuses }) => statuses.length > 1);
    assert.ok(reopened.length > 0, 'nobody followed the process that was killed');
    assert.ok(reopened.length < watchersMax, 'everybody followed the process that was killed');

    await until('the staff know all', () => Number(staff.lastEventId) === begin + moves);
    assert.deepEqual(
      read<HistoryEvent>(staff).map(({ seq }) => seq),
      Array.from({ length: moves }, (_, index) => begin + 1 + index),
    );
  });
});
