import { setTimeout as delay } from 'node:timers/promises';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { median, percentile, say, sum } from '../measure/report.ts';
import { sharedMs, startWorker, stopAll, type Worker } from '../measure/worker.ts';
import { doors as allDoors, type Door, type LiveSystem } from './live-system.ts';
import type { Open, Received } from './stream-clients-worker.ts';

/** Processes that hold the streams, so that reading events does not take longer than sending them. */
const clientProcesses = 2;
/** Not counted: these streams are opened and closed first, so that memory is compared after a first use. */
const warmUpStreams = 1_000;
const warmUpCalls = 3;
/** A bare push follows this many calls. */
const callsPerBarePush = 5;
/** Between a push and the next call. */
const pauseMs = 300;
const receivedMsMax = 30_000;
const settleMs = 3_000;
/** Until memory used for opening streams is freed: streams stay open far longer than opening takes. */
const idleMs = 15_000;
/** File descriptors of a process for everything but streams. */
const spareDescriptors = 300;

type DoorStreams = {
  door: Door;
  streams: number;
  /** Milliseconds from a call to the push to the last waiting party. */
  lastMs: { p50: number; p99: number };
  /** Milliseconds from a call to the push to the called party. */
  ownMs: { p50: number; p99: number };
  /** Milliseconds to the last push of a bare loop over as many sockets, in the same run. */
  bareMs: number;
  /** Median of the ratios of each push to the next bare one. */
  ratio: number;
  /** Growth of resident memory per stream of each process; null unless measured first. */
  kilobytes: Partial<Record<Door, number>> | null;
};

export type Streams = DoorStreams[];

/**
 * Opens one stream for each party of a queue, all served by one process of the position service. The host then calls
 * one party after the other, so that everyone behind moves up.
 */
export async function measureStreams(
  system: LiveSystem,
  options: {
    doors: readonly Door[];
    streams: number;
    calls: number;
    /** Nothing has been measured on this system yet. */
    isFresh: boolean;
  },
): Promise<Streams> {
  const { doors, streams, calls } = options;
  const workers: Worker[] = [];
  try {
    const start = async (program: string) => {
      const worker = await startWorker(`packages/bench/src/live/${program}`);
      workers.push(worker);
      return worker;
    };
    const startClients = () =>
      Promise.all(Array.from({ length: clientProcesses }, () => start('stream-clients-worker.ts')));
    const clients = await startClients();
    const bareClients = await startClients();
    const bare = await start('bare-push-worker.ts');
    await openAll(bareClients, (await bare.ask('url')) as string, Array(streams).fill('/'));

    const results: DoorStreams[] = [];
    for (const door of doors) {
      results.push(
        await measureDoor(system, door, {
          streams: streamsMax(streams),
          calls,
          clients,
          isFresh: options.isFresh && results.length === 0,
          pushBare: (event) => pushBare(bare, bareClients, streams, event),
        }),
      );
    }
    return results;
  } finally {
    await stopAll(workers);
  }
}

async function measureDoor(
  system: LiveSystem,
  door: Door,
  options: {
    streams: number;
    calls: number;
    clients: Worker[];
    isFresh: boolean;
    pushBare: (event: string) => Promise<number>;
  },
): Promise<DoorStreams> {
  const { streams, calls, clients, isFresh, pushBare } = options;
  say(`Streams at the ${door}: filling a queue with ${streams} …`);
  const { id: queueId } = await system.createLine();
  await system.fillLine(queueId, streams);
  const ids = await system.partyIds(queueId);
  const tickets = ids.map((id) => system.ticketOf(queueId, bytesToUuid(id)));
  await system.project(`/v1/positions/${tickets[0]}`);
  const paths = tickets.map((ticket) => `/v1/live/tickets/${ticket}`);

  const processes = door === 'gateway' ? allDoors : (['position service'] as const);
  await openAll(clients, system.urls[door], paths.slice(0, warmUpStreams));
  await closeAll(clients);
  const residentBytes = () => Promise.all(processes.map(system.residentBytes));
  const idleBytes = await residentBytes();
  const openedAt = performance.now();
  await openAll(clients, system.urls[door], paths);
  say(`  ${streams} are open after ${((performance.now() - openedAt) / 1_000).toFixed(1)} s`);
  await delay(idleMs);
  const openBytes = await residentBytes();
  const growth = processes.map((name, index) => {
    const bytes = (openBytes[index] as number) - (idleBytes[index] as number);
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
      clients,
      // Parties are called in the order of the line, which is that of the streams.
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
  for (const client of clients) {
    const broken = (await client.ask('broken')) as number;
    if (broken > 0) throw new Error(`${broken} streams broke`);
  }
  await closeAll(clients);
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

/** As many as a process can have sockets. */
function streamsMax(wanted: number): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const limit = Number(report.userLimits?.open_files?.soft);
  if (!Number.isFinite(limit)) return wanted;
  const most = limit - spareDescriptors;
  if (most < wanted) say(`${most} of ${wanted} streams: a process may open ${limit} files`);
  return Math.min(wanted, most);
}

/** Assigns the streams to the processes round robin. Each connects from its own address, so that ports suffice. */
async function openAll(workers: Worker[], url: string, paths: string[]): Promise<void> {
  const opened = (await Promise.all(
    workers.map((worker, number) => {
      const open: Open = {
        url,
        paths: paths.filter((_, index) => index % workers.length === number),
        from: `127.0.0.${number + 2}`,
      };
      return worker.ask('open', open);
    }),
  )) as number[];
  const count = sum(opened);
  if (count !== paths.length) throw new Error(`${count} of ${paths.length} streams are open`);
}

async function closeAll(workers: Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.ask('close')));
  await delay(settleMs);
}

async function callNext(
  system: LiveSystem,
  door: Door,
  options: { queueId: string; clients: Worker[]; index: number },
): Promise<{ lastMs: number; ownMs: number; sample: string }> {
  const { queueId, clients, index } = options;
  const owner = clients[index % clients.length];
  const waiting = (await Promise.all(clients.map((one) => one.ask('mark')))) as number[];
  const startedAt = sharedMs();
  const callDoor = door === 'gateway' ? 'gateway' : 'queue service';
  const calling = call(system, callDoor, queueId);
  const received = (await Promise.all(
    clients.map((one, number) => {
      const count = (waiting[number] as number) - (one === owner ? 1 : 0);
      return one.ask('received', { count, withinMs: receivedMsMax });
    }),
  )) as Received[];
  await calling;
  received.forEach(({ count }, number) => {
    const expected = (waiting[number] as number) - (clients[number] === owner ? 1 : 0);
    if (count !== expected) throw new Error(`${count} of ${expected} received a call`);
  });
  const calledAt = (await owner?.ask('calledAt', {
    index: Math.floor(index / clients.length),
  })) as number | null;
  if (calledAt === null) throw new Error('the called party received nothing');
  return {
    lastMs: Math.max(...received.map(({ lastAt }) => lastAt)) - startedAt,
    ownMs: calledAt - startedAt,
    sample: received[0]?.sample ?? '',
  };
}

async function call(system: LiveSystem, door: 'gateway' | 'queue service', queueId: string) {
  const answer = await system.post(door, `/v1/queues/${queueId}/call-next`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`call-next: ${answer.status} ${text}`);
}

let barePushes = 0;

async function pushBare(
  bare: Worker,
  clients: Worker[],
  streams: number,
  event: string,
): Promise<number> {
  barePushes += 1;
  await Promise.all(clients.map((one) => one.ask('mark')));
  const receiving = Promise.all(
    clients.map((one, number) => {
      const count = Math.ceil((streams - number) / clients.length);
      return one.ask('received', { count, withinMs: receivedMsMax });
    }),
  );
  // As long as the service's own event, each newer than the last.
  const startedAt = (await bare.ask('push', {
    event: event.replace(
      /"seq":\d+/,
      (seq) => `"seq":${String(barePushes).padStart(seq.length - 6, '0')}`,
    ),
  })) as number;
  const answers = (await receiving) as Received[];
  const count = sum(answers.map((answer) => answer.count));
  if (count !== streams) throw new Error(`${count} of ${streams} received the bare push`);
  return Math.max(...answers.map(({ lastAt }) => lastAt)) - startedAt;
}
