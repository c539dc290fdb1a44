import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import {
  makeEvent,
  type PartyEventType,
  type PartySnapshot,
  type QueueSnapshot,
} from '@queue-manager/contracts/events';
import type { HistoryEvent } from '@queue-manager/contracts/history';
import {
  type FedEvent,
  getLabels,
  getLineChecksum,
  getLineEvents,
  getModel,
  getPartySnapshot,
  getPartySnapshots,
  getRole,
  getSnapshot,
  getVenueChanges,
  getVenueQueues,
  getVenueRole,
  keepModel,
  type LearnedModel,
  type LineEvent,
} from '@queue-manager/contracts/internal';
import type { VenueEvent, VenueQueue } from '@queue-manager/contracts/live';
import { type Lane, lanes, type PartyState } from '@queue-manager/contracts/parties';
import { isInLine } from '@queue-manager/contracts/party-moves';
import type { Role } from '@queue-manager/contracts/venues';
import { testQueues } from '@queue-manager/events/testing';
import { freePort } from '@queue-manager/local-stack/processes/free-port';
import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import type { Clock, ManualClock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import { newId } from '@queue-manager/service-kit/ids';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { testCredential, testLogger, until } from '@queue-manager/service-kit/testing';
import { createTicketCodec } from '@queue-manager/service-kit/tickets';
import { Redis } from 'ioredis';
import { createPositionApp } from './app.ts';
import type { LearningPace } from './estimates/learner.ts';
import type { CompareTimes } from './lines/reconcile.ts';
import { connectLines, type RedisConnection } from './projection/redis.ts';

export const tickets = createTicketCodec([
  { id: 1, secret: randomBytes(32).toString('base64url') },
]);

type Move = { state?: PartyState; lane?: Lane; orderKey?: string; size?: number };

/** A queue as the queue service knows it. Every change returns its event. */
export class LineModel {
  readonly queueId = randomUUID();
  readonly venueId: string;
  readonly events: LineEvent[] = [];
  readonly parties = new Map<string, PartySnapshot>();
  readonly clock: ManualClock;
  queue: QueueSnapshot;
  #lastKey = 0;

  constructor(
    clock: ManualClock,
    queue: Partial<QueueSnapshot> = {},
    venueId: string = randomUUID(),
  ) {
    this.clock = clock;
    this.venueId = venueId;
    this.queue = {
      seq: 0,
      name: 'Tables',
      state: 'open',
      boardLabels: 'number',
      deleted: false,
      ...queue,
    };
    this.changeQueue({});
  }

  changeQueue(change: Partial<QueueSnapshot>): LineEvent {
    this.queue = { ...this.queue, ...change, seq: this.queue.seq + 1 };
    return this.#record(
      makeEvent({
        id: newId(this.clock),
        source: '/queue',
        type: 'queue.changed',
        subject: this.queueId,
        time: this.#now(),
        data: {
          venueId: this.venueId,
          queueId: this.queueId,
          queue: this.queue,
          actor: { kind: 'staff' },
        },
      }),
    );
  }

  join(lane: Lane = 'regular', size = 2): LineEvent {
    const partyId = newId(this.clock);
    const number = this.parties.size + 1;
    this.parties.set(partyId, {
      partyId,
      seq: 0,
      state: 'waiting',
      lane,
      orderKey: this.nextKey(),
      number,
      size,
      source: 'guest',
      calls: 0,
      joinedAt: this.#now(),
      calledAt: null,
      confirmedAt: null,
      seatedAt: null,
      departedAt: null,
      endedAt: null,
    });
    return this.#change('party.joined', partyId, {});
  }

  call(partyId: string): LineEvent {
    return this.#change('party.called', partyId, { state: 'called' });
  }

  end(partyId: string, state: 'seated' | 'no_show' | 'left' | 'removed'): LineEvent {
    const type = state === 'no_show' ? 'party.no-show' : (`party.${state}` as const);
    return this.#change(type, partyId, { state });
  }

  /** Any other change: of size or place, or a return to the line. */
  change(partyId: string, move: Move): LineEvent {
    return this.#change('party.changed', partyId, move);
  }

  /** An order key after all previous ones. */
  nextKey(): string {
    this.#lastKey += 1;
    // Bytes 0 and 1 stay free: a key ends with 0.
    const digits = [15_625_000, 62_500, 250, 1].map(
      (unit) => Math.floor(this.#lastKey / unit) % 250,
    );
    return `${Buffer.from(digits.map((digit) => digit + 2)).toString('hex')}00`;
  }

  inState(state: PartyState): PartySnapshot[] {
    return [...this.parties.values()].filter((party) => party.state === state);
  }

  /** Ids of the waiting parties, in line order. */
  order(): string[] {
    const bytes = ({ orderKey, partyId }: PartySnapshot) =>
      Buffer.from(orderKey + partyId.replaceAll('-', ''), 'hex');
    return this.inState('waiting')
      .sort(
        (a, b) =>
          lanes.indexOf(a.lane) - lanes.indexOf(b.lane) || Buffer.compare(bytes(a), bytes(b)),
      )
      .map(({ partyId }) => partyId);
  }

  ticket(partyId: string): string {
    return tickets.issue({ queueId: this.queueId, partyId });
  }

  #now(): string {
    return this.clock.now().toISOString();
  }

  #change(type: PartyEventType, partyId: string, move: Move): LineEvent {
    const before = this.parties.get(partyId);
    if (before === undefined) throw new Error('There is no such party');
    const state = move.state ?? before.state;
    const seq = this.queue.seq + 1;
    const party: PartySnapshot = {
      ...before,
      ...move,
      seq,
      calls: before.calls + (type === 'party.called' ? 1 : 0),
      calledAt:
        type === 'party.called' ? this.#now() : state === 'waiting' ? null : before.calledAt,
      seatedAt: type === 'party.seated' ? this.#now() : null,
      endedAt: isInLine(state) || state === 'seated' ? null : this.#now(),
    };
    this.queue = { ...this.queue, seq };
    this.parties.set(partyId, party);
    return this.#record(
      makeEvent({
        id: newId(this.clock),
        source: '/queue',
        type,
        subject: partyId,
        time: this.#now(),
        data: {
          venueId: this.venueId,
          queueId: this.queueId,
          previousState: type === 'party.joined' ? null : before.state,
          ...(party.size === before.size ? {} : { previousSize: before.size }),
          party,
          actor: { kind: 'guest' },
        },
      }) as LineEvent,
    );
  }

  #record(event: LineEvent): LineEvent {
    this.events.push(event);
    return event;
  }
}

export type QueueServiceDouble = {
  url: string;
  lines: Map<string, LineModel>;
  labels: Map<string, string>;
  /** The occupancy of venues; only these exist for venue streams. */
  venues: Map<string, { occupancy: number; capacity: number | null }>;
  /** Copies of models, by queue. */
  models: Map<string, LearnedModel>;
  /** Ids of the accounts that are staff of every venue. */
  staff: Set<string>;
  calls: {
    snapshots: number;
    parties: number;
    labels: number;
    events: number;
    roles: number;
    venueChanges: number;
  };
  isUnavailable: boolean;
  /** Snapshots announce one party more than they contain. */
  truncateSnapshots: boolean;
  /** Runs between reading and sending a snapshot. */
  beforeSnapshotLeaves: () => Promise<void>;
  close(): Promise<void>;
};

/** A fake queue service over `LineModel`s, on its own port. */
export async function startQueueService(): Promise<QueueServiceDouble> {
  const app = createApp({ logger: testLogger, internalCredential: testCredential, readiness: {} });
  const double: QueueServiceDouble = {
    url: '',
    lines: new Map(),
    venues: new Map(),
    labels: new Map(),
    models: new Map(),
    staff: new Set(),
    calls: { snapshots: 0, parties: 0, labels: 0, events: 0, roles: 0, venueChanges: 0 },
    isUnavailable: false,
    truncateSnapshots: false,
    beforeSnapshotLeaves: async () => undefined,
    close: () => app.close(),
  };
  const lineOf = (queueId: string) => {
    if (double.isUnavailable) throw problems.unavailable();
    const line = double.lines.get(queueId);
    if (line === undefined) throw problems.notFound();
    return line;
  };
  app.route(
    route(getSnapshot, async ({ params }) => {
      double.calls.snapshots += 1;
      const { venueId, queueId, queue, parties } = lineOf(params.queueId);
      const following = [...parties.values()].filter(({ state }) => isInLine(state));
      await double.beforeSnapshotLeaves();
      const head = { venueId, queueId, queue, parties: following.length };
      if (double.truncateSnapshots) following.pop();
      return Readable.from([head, ...following].map((line) => `${JSON.stringify(line)}\n`));
    }),
  );
  app.route(
    route(getPartySnapshot, async ({ params }) => {
      double.calls.parties += 1;
      const party = lineOf(params.queueId).parties.get(params.partyId);
      if (party === undefined) throw problems.notFound();
      return party;
    }),
  );
  app.route(
    route(getPartySnapshots, async ({ params, body }) => {
      const { parties } = lineOf(params.queueId);
      return { parties: body.partyIds.map((partyId) => parties.get(partyId) ?? null) };
    }),
  );
  app.route(
    route(getLineChecksum, async ({ params }) => {
      const line = lineOf(params.queueId);
      const [waiting, called] = [line.inState('waiting').length, line.inState('called').length];
      return { ...line.queue, waiting, called };
    }),
  );
  app.route(
    route(getLabels, async ({ params, body }) => {
      double.calls.labels += 1;
      lineOf(params.queueId);
      return { labels: body.partyIds.map((partyId) => double.labels.get(partyId) ?? null) };
    }),
  );
  app.route(
    route(getLineEvents, async ({ params, query: { after, limit } }) => {
      double.calls.events += 1;
      const { events } = lineOf(params.queueId);
      return { events: events.slice(after, after + limit).map(historyOf) };
    }),
  );
  app.route(
    route(getRole, async ({ params: { queueId, userId } }): Promise<{ role: Role | null }> => {
      double.calls.roles += 1;
      if (double.isUnavailable) throw problems.unavailable();
      const isThere = double.lines.get(queueId)?.queue.deleted === false;
      return { role: isThere && double.staff.has(userId) ? 'host' : null };
    }),
  );
  const venueOf = (venueId: string) => {
    if (double.isUnavailable) throw problems.unavailable();
    const venue = double.venues.get(venueId);
    if (venue === undefined) throw problems.notFound();
    return { venue, lines: [...double.lines.values()].filter((line) => line.venueId === venueId) };
  };
  app.route(
    route(getVenueRole, async ({ params }): Promise<{ role: Role | null }> => {
      double.calls.roles += 1;
      if (double.isUnavailable) throw problems.unavailable();
      const isMember = double.venues.has(params.venueId) && double.staff.has(params.userId);
      return { role: isMember ? 'host' : null };
    }),
  );
  app.route(
    route(getVenueQueues, async ({ params }) => ({
      queues: venueOf(params.venueId)
        .lines.filter(({ queue }) => !queue.deleted)
        .map(({ queueId, queue }) => ({ queueId, seq: queue.seq })),
    })),
  );
  app.route(
    route(getVenueChanges, async ({ params, body }) => {
      double.calls.venueChanges += 1;
      const { venue, lines } = venueOf(params.venueId);
      const { occupancy, capacity } = venue;
      const available = capacity === null ? null : Math.max(0, capacity - occupancy);
      const events: VenueEvent[] = [];
      const queues = body.after.flatMap(({ queueId, seq }) => {
        const line = lines.find((candidate) => candidate.queueId === queueId);
        if (line === undefined) return [];
        const after = seq ?? line.queue.seq;
        const missed = line.events.slice(after).map((event) => ({ ...historyOf(event), queueId }));
        const sent = missed.slice(0, body.limit - events.length);
        events.push(...sent);
        return sent.length === missed.length && seq !== line.queue.seq ? [venueQueueOf(line)] : [];
      });
      return { occupancy: { occupancy, capacity, available }, queues, events };
    }),
  );
  app.route(
    route(getModel, async ({ params: { queueId } }) => {
      lineOf(queueId);
      return { learned: double.models.get(queueId) ?? null };
    }),
  );
  app.route(
    route(keepModel, async ({ params: { queueId }, body }) => {
      lineOf(queueId);
      const kept = double.models.get(queueId);
      if (kept === undefined || kept.seq < body.seq || kept.model !== body.model) {
        double.models.set(queueId, body);
      }
    }),
  );
  double.url = await app.listen({ host: '127.0.0.1', port: 0 });
  return double;
}

/** A queue as the stream of its venue shows it. */
export function venueQueueOf(line: LineModel): VenueQueue {
  const { queueId, venueId, queue } = line;
  return {
    id: queueId,
    venueId,
    ...queue,
    text: null,
    endMessage: null,
    joinCode: 'ABC',
    joinUrl: 'http://queue.test/v1/join/ABC',
    waiting: line.inState('waiting').length,
    called: line.inState('called').length,
    maxWaiting: null,
    maxPartySize: 20,
    callGraceSeconds: 300,
    selfJoin: true,
  };
}

/** An event in the format of the queue's history. */
export function historyOf(event: LineEvent): HistoryEvent {
  const shared = {
    id: event.id,
    type: event.type,
    time: event.time,
    actor: event.data.actor,
    reason: null,
    position: null,
    override: false,
  };
  if (event.type === 'queue.changed') {
    const { queue } = event.data;
    const nobody = { partyId: null, previousState: null, previousSize: null, undone: null };
    return { ...shared, ...nobody, party: null, seq: queue.seq, queue };
  }
  const { partyId, ...party } = event.data.party;
  const { previousState, previousSize = null, undone = null } = event.data;
  return {
    ...{ ...shared, partyId, seq: party.seq },
    ...{ previousState, previousSize, undone, party, queue: null },
  };
}

const never: CompareTimes = { checksumEveryMs: 1e12, wholeEveryMs: 1e12, lagMs: 60_000 };

/** Longer than any test. */
const noLearning: LearningPace = {
  everyMs: 3_600_000,
  keepAfterEvents: Number.POSITIVE_INFINITY,
  keepAfterMs: 3_600_000,
  eventsMax: 0,
};

export type PositionDouble = Awaited<ReturnType<typeof startPosition>>;

const nobodySignsIn: VerifyAccessToken = async () => {
  throw problems.unauthenticated();
};

/** The position service in this process, with its own SQS queues. */
export async function startPosition(options: {
  redisUrl: string;
  isCluster?: boolean;
  queueService: QueueServiceDouble;
  clock: Clock;
  commandTimeoutMs?: number;
  directRebuildWaitMs?: number;
  /** No learning by default. */
  learningPace?: LearningPace;
  eventWaitMs?: number;
  /** By default every token is rejected. */
  verifyAccessToken?: VerifyAccessToken;
  membershipCheckMs?: number;
  /** No comparisons in the background by default. */
  compareTimes?: CompareTimes;
  /** While true, messages on the queues' channels are silently lost. */
  dropsMessages?: () => boolean;
  checkMs?: number;
  /** How often a watched venue is read in case a message was lost; an hour by default. */
  venuePollMs?: number;
}) {
  const queues = await testQueues();
  const { dropsMessages = () => false } = options;
  const connected = connectLines({
    url: options.redisUrl,
    isCluster: options.isCluster ?? false,
    // Long, so that a busy machine does not look like an outage.
    commandTimeoutMs: options.commandTimeoutMs ?? 15_000,
    logger: testLogger,
  });
  const { subscriptions } = connected;
  const redis: RedisConnection = {
    ...connected,
    subscriptions: {
      ...subscriptions,
      add: (channel, { onMessage, onRenewed }) =>
        subscriptions.add(channel, {
          onMessage(message) {
            if (!dropsMessages()) onMessage(message);
          },
          onRenewed,
        }),
    },
  };
  const app = createPositionApp({
    redis,
    sqs: queues.sqs,
    sqsPrefix: queues.prefix,
    queueService: createInternalClient({
      baseUrl: options.queueService.url,
      credential: testCredential,
    }),
    tickets,
    clock: options.clock,
    logger: testLogger,
    internalCredential: testCredential,
    verifyAccessToken: options.verifyAccessToken ?? nobodySignsIn,
    membershipCheckMs: options.membershipCheckMs,
    directRebuildWaitMs: options.directRebuildWaitMs ?? 15_000,
    learningPace: options.learningPace ?? noLearning,
    compareTimes: options.compareTimes ?? never,
    ...(options.eventWaitMs === undefined ? {} : { eventWaitMs: options.eventWaitMs }),
    venuePollMs: options.venuePollMs ?? 3_600_000,
    ...(options.checkMs === undefined ? {} : { checkMs: options.checkMs }),
  });
  await app.ready();
  await until('Redis is connected', () => redis.client.status === 'ready');

  const get = async (url: string) => {
    const answer = await app.inject({ url });
    return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
  };
  const post = async (url: string, payload: object) => {
    const headers = { [credentialHeader]: testCredential };
    const answer = await app.inject({ method: 'POST', url, headers, payload });
    return { status: answer.statusCode, body: answer.json() };
  };
  return {
    app,
    redis: redis.client,
    queues,
    get,
    position: (ticket: string) => get(`/v1/positions/${ticket}`),
    board: (queueId: string) => get(`/v1/boards/${queueId}`),
    apply: (events: readonly FedEvent[]) => post('/internal/events', { events }),
    places: (queueId: string, partyIds: readonly string[], size?: number) =>
      post(`/internal/queues/${queueId}/places`, { partyIds, size }),
    neighbours: (
      queueId: string,
      body: { partyId: string; seq: number; to: object; called?: boolean },
    ) => post(`/internal/queues/${queueId}/neighbours`, body),
    async close() {
      await app.close();
      await queues.drop();
    },
  };
}

export type RedisServer = {
  url: string;
  start(): Promise<void>;
  /** Kills it, as in a crash. */
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  remove(): Promise<void>;
};

/** Runs a server, prints its pid on fd 3, and kills it when stdin closes: at the end of the test at the latest. */
const guarded = 'redis-server "$@" 3>&- & echo $! >&3; cat; kill -9 $!; wait';

/** A Redis server for one test file, which may kill, stop and empty it. */
export async function startRedis(extraArguments: string[] = []): Promise<RedisServer> {
  const port = await freePort();
  const busPort = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'redis-test-'));
  const url = `redis://127.0.0.1:${port}`;
  let guard: ChildProcess | undefined;
  let pid = 0;

  const server: RedisServer = {
    url,
    async start() {
      const settings = {
        port: String(port),
        'cluster-port': String(busPort),
        bind: '127.0.0.1',
        dir: folder,
        save: '',
        appendonly: 'no',
      };
      const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
      guard = spawn('sh', ['-c', guarded, 'sh', ...args, ...extraArguments], {
        stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
      });
      const [said] = await once(guard.stdio[3] as Readable, 'data');
      pid = Number(said);
      const probe = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
      probe.on('error', () => undefined);
      try {
        await until('a Redis server answers', async () => (await probe.ping()) === 'PONG');
      } finally {
        probe.disconnect();
      }
    },
    async kill() {
      if (guard === undefined || guard.exitCode !== null) return;
      const exited = once(guard, 'exit');
      guard.stdin?.end();
      await exited;
    },
    signal(name) {
      process.kill(pid, name);
    },
    async remove() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** A cluster of three masters, each with an optional replica. */
export async function startRedisCluster(options: { hasReplicas?: boolean } = {}): Promise<{
  url: string;
  nodes: RedisServer[];
  remove(): Promise<void>;
}> {
  const { hasReplicas = false } = options;
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '5000'];
  const count = hasReplicas ? 6 : 3;
  const nodes = await Promise.all(Array.from({ length: count }, () => startRedis(settings)));
  const addresses = nodes.map(({ url }) => new URL(url).host);
  const replicas = hasReplicas ? ['--cluster-replicas', '1'] : [];
  const args = ['--cluster', 'create', ...addresses, ...replicas, '--cluster-yes'];
  await promisify(execFile)('redis-cli', args);
  for (const { url } of nodes) {
    const node = new Redis(url);
    try {
      await until('the cluster is whole', async () => {
        const [cluster, replication] = [await node.cluster('INFO'), await node.info('replication')];
        return (
          cluster.includes('cluster_state:ok\r\n') &&
          cluster.includes(`cluster_known_nodes:${count}\r\n`) &&
          cluster.includes('cluster_size:3\r\n') &&
          /role:master|master_link_status:up/.test(replication)
        );
      });
    } finally {
      node.disconnect();
    }
  }
  return {
    url: (nodes[0] as RedisServer).url,
    nodes,
    async remove() {
      await Promise.all(nodes.map((node) => node.remove()));
    },
  };
}
