import { setTimeout as delay } from 'node:timers/promises';
import { fillLine } from '@queue-manager/queue/bench/fill-line';
import { median, percentile, say } from '@queue-manager/queue/bench/report';
import { sharedMs, startWorker, type Worker } from '@queue-manager/queue/bench/worker';
import { systemClock } from '@queue-manager/service-kit/clock';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { doors as allDoors, type Door, type LiveSystem } from './live-system.ts';
import type { Open, Told } from './stream-clients-worker.ts';

/** Processes that hold the watchers, so that reading what came does not take longer than sending it. */
const clientProcesses = 2;
/** Not counted: streams are opened and closed once, so that memory is compared after a first use. */
const warmUpStreams = 1_000;
const warmUpCalls = 3;
/** A bare push after so many calls. */
const callsPerBarePush = 5;
/** Between a push and the next call: a line that is not called without pause. */
const pauseMs = 300;
const toldWithinMs = 30_000;
const settleMs = 3_000;
/** Until what opening left behind is let go: streams stay open for far longer than it takes to open them. */
const restMs = 15_000;
/** Of a process, for everything but streams. */
const spareDescriptors = 300;

export type DoorStreams = {
  door: Door;
  streams: number;
  /** Milliseconds from a call to the push to the last of those who wait. */
  lastMs: { p50: number; p99: number };
  /** Milliseconds from a call to the push to whom was called. */
  ownMs: { p50: number; p99: number };
  /** A bare loop over as many sockets, in the same run: milliseconds to the last. */
  bareMs: number;
  /** The middle of the ratios of each push to the bare ones around it. */
  ratio: number;
  /** Growth of resident memory, of each process on the way, a stream; null where something else came first. */
  kilobytes: Partial<Record<Door, number>> | null;
};

export type Streams = DoorStreams[];

const workerUrl = (name: string) => new URL(name, import.meta.url).href;

/**
 * As many streams as wait in a line, one a ticket, in one process of the position service; the host calls one party
 * after the other, so that everybody behind moves up.
 */
export async function measureStreams(
  system: LiveSystem,
  options: {
    doors: readonly Door[];
    streams: number;
    calls: number;
    /** Nothing was measured on this system before. */
    isFresh: boolean;
  },
): Promise<Streams> {
  const { doors, streams, calls } = options;
  const workers: Worker[] = [];
  try {
    const start = async (program: string) => {
      const worker = await startWorker(workerUrl(program), {});
      workers.push(worker);
      return worker;
    };
    const startClients = () =>
      Promise.all(Array.from({ length: clientProcesses }, () => start('stream-clients-worker.ts')));
    const watchers = await startClients();
    const bareWatchers = await startClients();
    const bare = await start('bare-push-worker.ts');
    await openAll(bareWatchers, (await bare.ask('url')) as string, Array(streams).fill('/'));

    const results: DoorStreams[] = [];
    for (const door of doors) {
      results.push(
        await measureDoor(system, door, {
          streams: streamsMax(streams),
          calls,
          watchers,
          isFresh: options.isFresh && results.length === 0,
          pushBare: (event) => pushBare(bare, bareWatchers, streams, event),
        }),
      );
    }
    return results;
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

async function measureDoor(
  system: LiveSystem,
  door: Door,
  given: {
    streams: number;
    calls: number;
    watchers: Worker[];
    isFresh: boolean;
    pushBare: (event: string) => Promise<number>;
  },
): Promise<DoorStreams> {
  const { streams, calls, watchers, isFresh, pushBare } = given;
  say(`Streams by the ${door}: filling a line with ${streams} …`);
  const queueId = await system.makeLine();
  await fillLine(system.db, systemClock, uuidToBytes(queueId), streams);
  const rows = await system.db
    .selectFrom('parties')
    .select('id')
    .where('queue_id', '=', uuidToBytes(queueId))
    .orderBy('lane')
    .orderBy('order_key')
    .execute();
  const tickets = rows.map(({ id }) => system.ticketOf(queueId, bytesToUuid(id)));
  await system.project(`/v1/positions/${tickets[0]}`);
  const paths = tickets.map((ticket) => `/v1/live/tickets/${ticket}`);

  const processes = door === 'gateway' ? allDoors : (['position service'] as const);
  await openAll(watchers, system.urls[door], paths.slice(0, warmUpStreams));
  await closeAll(watchers);
  const residentBytes = () => Promise.all(processes.map(system.residentBytes));
  const restingBytes = await residentBytes();
  const openedAt = performance.now();
  await openAll(watchers, system.urls[door], paths);
  say(`  ${streams} are open after ${((performance.now() - openedAt) / 1_000).toFixed(1)} s`);
  await delay(restMs);
  const openBytes = await residentBytes();
  const growth = processes.map((name, index) => {
    const bytes = (openBytes[index] as number) - (restingBytes[index] as number);
    return [name, bytes / 1_024 / streams] as const;
  });

  const lasts: number[] = [];
  const owns: number[] = [];
  const bares: number[] = [];
  const ratios: number[] = [];
  let event = '';
  let sinceBare: number[] = [];
  for (let call = -warmUpCalls; call < calls; call += 1) {
    await delay(pauseMs);
    const { lastMs, ownMs, sample } = await callNext(system, door, {
      queueId,
      watchers,
      // The line is called in its order, and the watchers stand in it.
      index: call + warmUpCalls,
    });
    event = sample;
    if (call < 0) continue;
    lasts.push(lastMs);
    sinceBare.push(lastMs);
    owns.push(ownMs);
    if (sinceBare.length < callsPerBarePush && call < calls - 1) continue;
    await delay(pauseMs);
    const bareMs = await pushBare(event);
    bares.push(bareMs);
    ratios.push(...sinceBare.map((ms) => ms / bareMs));
    sinceBare = [];
    say(
      `  call ${call + 1}: last ${lastMs.toFixed(0)} ms, own ${ownMs.toFixed(0)} ms, bare ${bareMs.toFixed(0)} ms`,
    );
  }
  for (const watcher of watchers) {
    const broken = (await watcher.ask('broken')) as number;
    if (broken > 0) throw new Error(`${broken} streams broke`);
  }
  await closeAll(watchers);
  await delay(settleMs);
  return {
    door,
    streams,
    lastMs: { p50: percentile(lasts, 0.5), p99: percentile(lasts, 0.99) },
    ownMs: { p50: percentile(owns, 0.5), p99: percentile(owns, 0.99) },
    bareMs: median(bares),
    ratio: median(ratios),
    kilobytes: isFresh ? Object.fromEntries(growth) : null,
  };
}

/** As many as a process can hold, each with a socket. */
function streamsMax(wanted: number): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const limit = Number(report.userLimits?.open_files?.soft);
  if (!Number.isFinite(limit)) return wanted;
  const most = limit - spareDescriptors;
  if (most < wanted) say(`Of ${wanted} streams, ${most}: a process may open ${limit} files`);
  return Math.min(wanted, most);
}

/** Each process holds a part, turn by turn, and asks from an address of its own, so that ports suffice. */
async function openAll(workers: Worker[], url: string, paths: string[]): Promise<void> {
  const opened = (await Promise.all(
    workers.map((worker, turn) => {
      const asked: Open = {
        url,
        paths: paths.filter((_, index) => index % workers.length === turn),
        from: `127.0.0.${turn + 2}`,
      };
      return worker.ask('open', asked);
    }),
  )) as number[];
  const count = opened.reduce((all, one) => all + one, 0);
  if (count !== paths.length) throw new Error(`${count} of ${paths.length} streams are open`);
}

async function closeAll(workers: Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.ask('close')));
  await delay(settleMs);
}

async function callNext(
  system: LiveSystem,
  door: Door,
  given: { queueId: string; watchers: Worker[]; index: number },
): Promise<{ lastMs: number; ownMs: number; sample: string }> {
  const { queueId, watchers, index } = given;
  const owner = watchers[index % watchers.length];
  const waiting = (await Promise.all(watchers.map((one) => one.ask('mark')))) as number[];
  const startedAt = sharedMs();
  const callDoor = door === 'gateway' ? 'gateway' : 'queue service';
  const calling = system.post(callDoor, `/v1/queues/${queueId}/call-next`, {});
  const told = (await Promise.all(
    watchers.map((one, turn) => {
      const count = (waiting[turn] as number) - (one === owner ? 1 : 0);
      return one.ask('told', { count, withinMs: toldWithinMs });
    }),
  )) as Told[];
  await calling;
  told.forEach(({ count }, turn) => {
    const expected = (waiting[turn] as number) - (watchers[turn] === owner ? 1 : 0);
    if (count !== expected) throw new Error(`${count} of ${expected} were told of a call`);
  });
  const calledAt = (await owner?.ask('calledAt', {
    index: Math.floor(index / watchers.length),
  })) as number | null;
  if (calledAt === null) throw new Error('who was called was not told');
  return {
    lastMs: Math.max(...told.map(({ lastAt }) => lastAt)) - startedAt,
    ownMs: calledAt - startedAt,
    sample: told[0]?.sample ?? '',
  };
}

let barePushes = 0;

async function pushBare(
  bare: Worker,
  watchers: Worker[],
  streams: number,
  event: string,
): Promise<number> {
  barePushes += 1;
  await Promise.all(watchers.map((one) => one.ask('mark')));
  const told = Promise.all(
    watchers.map((one, turn) => {
      const count = Math.ceil((streams - turn) / watchers.length);
      return one.ask('told', { count, withinMs: toldWithinMs });
    }),
  );
  // As long as the service's own, each newer than the last.
  const startedAt = (await bare.ask('push', {
    event: event.replace(
      /"seq":\d+/,
      (seq) => `"seq":${String(barePushes).padStart(seq.length - 6, '0')}`,
    ),
  })) as number;
  const answers = (await told) as Told[];
  const count = answers.reduce((all, one) => all + one.count, 0);
  if (count !== streams) throw new Error(`${count} of ${streams} had the bare push`);
  return Math.max(...answers.map(({ lastAt }) => lastAt)) - startedAt;
}
