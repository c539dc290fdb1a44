import type { PartySnapshot } from '@queue-manager/contracts/events';
import type {
  LineChecksum,
  LineEvent,
  Neighbour,
  SnapshotHead,
} from '@queue-manager/contracts/internal';
import { type Lane, lanes, type PartyState } from '@queue-manager/contracts/parties';
import { isInLine } from '@queue-manager/contracts/party-moves';
import type { BoardLabels, QueueState } from '@queue-manager/contracts/queues';
import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { lineKeys, lockKey, type SnapshotKeys } from './line-keys.ts';
import type { RedisConnection } from './redis.ts';
import { defineScript, type Script, type ScriptArgument } from './scripts.ts';

/** A projection without changes for this long expires; the next read rebuilds it. */
const idleMs = 7 * dayMs;
/** Reads look at two days' hashes of ended parties, so each hash is kept for two days. */
const endedMs = 2 * dayMs;
/** How long the keys of a crashed rebuild remain. */
const snapshotMs = 60_000;

/** Approximate number of ended parties per scan. */
const scanSize = 200;

const idBytes = 16;

/** What every read returns about the queue. */
export type Line = {
  isKnown: true;
  /** Highest event applied. */
  seq: number;
  waiting: number;
  /** Last event that the model in Redis has learned from; null if Redis has no model. */
  modelSeq: number | null;
  isDeleted: boolean;
  /** Number of buffered events that wait for an earlier one. */
  pending: number;
  /** The Redis server has restarted since it installed this projection, and may have lost its last events. */
  isSuspect: boolean;
};

/** The projection is missing or incomplete. */
export type UnknownLine = { isKnown: false; pending: number };

/** All but the state are null unless the party waits. */
export type PlaceInLine = {
  state: PartyState;
  ahead: number | null;
  lane: Lane | null;
  size: number | null;
};

export type Places = Line & { places: (PlaceInLine | null)[] };

/** What a watcher of a party needs; `place` strings sort in the order of the line. */
export type WatchedPlace = PlaceInLine & { place: string | null };

/**
 * Target of a move: a position from the front, or a number of places behind the current one. `called`: a called party
 * counts as waiting at the place it was called from.
 */
export type PlaceWanted = {
  to: { position: number } | { places: number };
  called: boolean;
};

/** The parties around a place, without the party to be moved there. */
export type Neighbours = {
  /** Current position of the party; null if it has none, and then there are no neighbours. */
  from: number | null;
  position: number | null;
  before: Neighbour | null;
  behind: Neighbour | null;
};

export type BoardView = Line & {
  name: string;
  state: QueueState;
  boardLabels: BoardLabels;
  /** Latest call first. */
  called: { partyId: string; number: number; calledAt: Date }[];
};

export type Applied = {
  isKnown: boolean;
  seq: number;
  waiting: number;
  modelSeq: number | null;
  pending: number;
  /** One per event, in order. All but `isApplied` are null unless its party waits now. */
  answers: ({ isApplied: boolean } & Omit<PlaceInLine, 'state'>)[];
};

/** Checksum of a projection; `lastPending` is the highest buffered event, or 0. */
export type Facts = Line &
  Pick<BoardView, 'name' | 'state' | 'boardLabels'> & { called: number; lastPending: number };

export type Projection = ReturnType<typeof createProjection>;

/**
 * Access to the projections in Redis. Each function is one round trip unless noted. `lua/line.lua` documents the
 * keys.
 */
export function createProjection({ redis, clock }: { redis: RedisConnection; clock: Clock }) {
  const applyScript = defineScript(redis.client, 'apply-events-7', ['line', 'change']);
  const readPlacesScript = defineScript(redis.client, 'read-places-7', ['line']);
  const readWatchedScript = defineScript(redis.client, 'read-watched-7', ['line']);
  const readNeighboursScript = defineScript(redis.client, 'read-neighbours-7', ['line']);
  const readBoardScript = defineScript(redis.client, 'read-board-7', ['line']);
  const installScript = defineScript(redis.client, 'install-snapshot-11', [
    'server',
    'line',
    'change',
  ]);
  const readChecksumScript = defineScript(redis.client, 'read-checksum-7', ['line']);
  const readStoredScript = defineScript(redis.client, 'read-stored-7', ['line']);
  const scanEndedScript = defineScript(redis.client, 'scan-ended-7', ['line']);
  const rememberEndedScript = defineScript(redis.client, 'remember-ended-7', ['line']);
  const trustScript = defineScript(redis.client, 'trust-line-8', ['server', 'line']);
  const dropScript = defineScript(redis.client, 'drop-line-7', ['line']);

  const changeRules = [idleMs, endedMs];

  function lineOf(reply: Reply): Line {
    return {
      isKnown: true,
      seq: numberAt(reply, 1),
      waiting: numberAt(reply, 2),
      modelSeq: numberOrNull(numberAt(reply, 3)),
      isDeleted: textAt(reply, 4) === '1',
      pending: numberAt(reply, 5),
      isSuspect: !redis.isRunning(textAt(reply, 6)),
    };
  }

  async function read<T extends object>(
    script: Script,
    queueId: string,
    args: readonly ScriptArgument[],
    parse: (reply: Reply) => T,
  ): Promise<(Line & T) | UnknownLine> {
    const reply = (await script(lineKeys(queueId, clock.now()), args)) as Reply;
    if (reply[0] !== 1) return { isKnown: false, pending: numberAt(reply, 1) };
    return Object.assign(lineOf(reply), parse(reply));
  }

  /** Applies events of one queue, in any order, and buffered events that follow: one round trip per batch of these. */
  async function apply(queueId: string, events: readonly LineEvent[]): Promise<Applied> {
    let reply: Reply;
    do {
      reply = (await applyScript(lineKeys(queueId, clock.now()), [
        ...changeRules,
        ...events.flatMap(argumentsOf),
      ])) as Reply;
    } while (reply[5] === 1);
    return {
      isKnown: reply[0] === 1,
      seq: numberAt(reply, 1),
      waiting: numberAt(reply, 2),
      modelSeq: numberOrNull(numberAt(reply, 3)),
      pending: numberAt(reply, 4),
      answers: events.map((_, index) => ({
        isApplied: reply[6 + 4 * index] === 1,
        ahead: numberOrNull(numberAt(reply, 7 + 4 * index)),
        lane: laneOf(numberAt(reply, 8 + 4 * index)),
        size: numberOrNull(numberAt(reply, 9 + 4 * index)),
      })),
    };
  }

  return {
    apply,

    readPlaces(queueId: string, partyIds: readonly string[]): Promise<Places | UnknownLine> {
      return read(readPlacesScript, queueId, partyIds.map(uuidToBytes), (reply) => ({
        places: partyIds.map((_, index) => {
          const at = 7 + 4 * index;
          const state = textAt(reply, at);
          if (state === '') return null;
          return {
            state: state as PartyState,
            ahead: numberOrNull(numberAt(reply, at + 1)),
            lane: laneOf(numberAt(reply, at + 2)),
            size: numberOrNull(numberAt(reply, at + 3)),
          };
        }),
      }));
    },

    /** Ids and places are bytes as Latin-1 text. */
    readWatched(
      queueId: string,
      partyIds: readonly string[],
    ): Promise<(Line & { parties: (WatchedPlace | null)[] }) | UnknownLine> {
      const ids = partyIds.map((id) => Buffer.from(id, 'latin1'));
      return read(readWatchedScript, queueId, ids, (reply) => ({
        parties: partyIds.map((_, index) => {
          const at = 7 + 4 * index;
          const state = textAt(reply, at);
          if (state === '') return null;
          const ahead = numberOrNull(numberAt(reply, at + 1));
          const place = ahead === null ? null : (reply[at + 2] as Buffer).toString('latin1');
          const lane = place === null ? null : laneOf(Number(place[0]));
          const size = numberOrNull(numberAt(reply, at + 3));
          return { state: state as PartyState, ahead, lane, size, place };
        }),
      }));
    },

    readNeighbours(
      queueId: string,
      partyId: string,
      { to, called }: PlaceWanted,
    ): Promise<(Line & { neighbours: Neighbours }) | UnknownLine> {
      const target = 'position' in to ? ['position', to.position] : ['places', to.places];
      const args = [uuidToBytes(partyId), ...target, called ? 1 : 0];
      return read(readNeighboursScript, queueId, args, (reply) => {
        const from = numberAt(reply, 7);
        if (from === 0) {
          return { neighbours: { from: null, position: null, before: null, behind: null } };
        }
        return {
          neighbours: {
            from,
            position: numberAt(reply, 8),
            before: neighbourOf(textAt(reply, 9), reply[10] as Buffer),
            behind: neighbourOf(textAt(reply, 11), reply[12] as Buffer),
          },
        };
      });
    },

    /** Returns the latest `limit` calls. */
    readBoard(queueId: string, limit: number): Promise<BoardView | UnknownLine> {
      return read(readBoardScript, queueId, [limit], (reply) => {
        const called: BoardView['called'] = [];
        for (let at = 10; at < reply.length; at += 3) {
          called.push({
            partyId: bytesToUuid(reply[at] as Buffer),
            calledAt: new Date(Number(textAt(reply, at + 1))),
            number: numberOfValue(reply[at + 2] as Buffer),
          });
        }
        return {
          name: textAt(reply, 7),
          state: textAt(reply, 8) as QueueState,
          boardLabels: textAt(reply, 9) as BoardLabels,
          called,
        };
      });
    },

    /** Adds parties, waiting or called, to a snapshot being written. */
    async writeSnapshot(keys: SnapshotKeys, parties: readonly PartySnapshot[]): Promise<void> {
      const line: ScriptArgument[] = [];
      const called: ScriptArgument[] = [];
      const values: Buffer[] = [];
      for (const party of parties) {
        const partyId = uuidToBytes(party.partyId);
        const member = memberOf(party, partyId);
        values.push(partyId, lineValueOf(party, member));
        if (party.state === 'waiting') line.push(lanes.indexOf(party.lane), member);
        else called.push(calledAtMs(party), partyId);
      }
      const pipeline = redis.client.pipeline();
      if (line.length > 0) pipeline.zadd(keys.line, ...line);
      if (called.length > 0) pipeline.zadd(keys.called, ...called);
      if (values.length > 0) pipeline.hset(keys.parties, ...values);
      for (const key of Object.values(keys)) pipeline.pexpire(key, snapshotMs);
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
    },

    /** Deletes a snapshot that will not be installed, without blocking Redis. */
    async discardSnapshot(keys: SnapshotKeys): Promise<void> {
      await redis.client.unlink(...Object.values(keys));
    },

    /**
     * Replaces the projection with a snapshot and applies the buffered events. `outdated`: the projection is newer and
     * stays. `lost`: the lock is no longer `held`, the snapshot's keys or the previous projection are gone, or the
     * server has restarted since; events may be lost, too, so the snapshot must be taken again.
     */
    async installSnapshot(
      keys: SnapshotKeys,
      head: SnapshotHead,
      expected: { waiting: number; called: number; held: string; hadLine: boolean },
    ): Promise<'installed' | 'outdated' | 'lost'> {
      const { seq, name, state, boardLabels, deleted } = head.queue;
      const status = await installScript(
        [
          ...lineKeys(head.queueId, clock.now()),
          keys.line,
          keys.parties,
          keys.called,
          lockKey(head.queueId),
        ],
        [
          ...changeRules,
          ...[seq, name, state, boardLabels, deleted ? 1 : 0],
          ...[expected.waiting, expected.called, expected.held, expected.hadLine ? 1 : 0],
        ],
      );
      if (status === 2) await apply(head.queueId, []);
      return status === -1 ? 'lost' : status === 0 ? 'outdated' : 'installed';
    },

    readChecksum(queueId: string): Promise<Facts | UnknownLine> {
      return read(readChecksumScript, queueId, [], (reply) => ({
        called: numberAt(reply, 7),
        name: textAt(reply, 8),
        state: textAt(reply, 9) as QueueState,
        boardLabels: textAt(reply, 10) as BoardLabels,
        lastPending: numberAt(reply, 11),
      }));
    },

    /** Whether the projection stores each party as given, all at the same `seq`. */
    compareParties(
      queueId: string,
      parties: readonly PartySnapshot[],
    ): Promise<(Line & { isSame: boolean[] }) | UnknownLine> {
      const ids = parties.map(({ partyId }) => uuidToBytes(partyId));
      return read(readStoredScript, queueId, ids, (reply) => ({
        isSame: parties.map((party, index) => {
          const [value, score, ended] = reply.slice(7 + 3 * index, 10 + 3 * index) as Buffer[];
          // Parties that left are not always cached; those that are must match.
          if (!isInLine(party.state)) {
            return value?.length === 0 && (ended?.length === 0 || String(ended) === party.state);
          }
          const expected =
            party.state === 'waiting' ? lanes.indexOf(party.lane) : calledAtMs(party);
          return value?.equals(lineValueOf(party)) === true && String(score) === String(expected);
        }),
      }));
    },

    /** Scans the parties that left today or yesterday; `cursor` is null at the end. */
    scanEnded(
      queueId: string,
      from: { daysAgo: 0 | 1; cursor: string },
    ): Promise<(Line & { cursor: string | null; partyIds: string[] }) | UnknownLine> {
      const args = [from.daysAgo, from.cursor, scanSize];
      return read(scanEndedScript, queueId, args, (reply) => {
        const cursor = textAt(reply, 7);
        return {
          cursor: cursor === '0' ? null : cursor,
          partyIds: reply.slice(8).map((id) => bytesToUuid(id as Buffer)),
        };
      });
    },

    /**
     * Caches the state of a party that left, unknown to the projection at `seq`, to spare the queue service repeated
     * lookups. Does nothing if the projection has moved on.
     */
    async rememberEnded(
      queueId: string,
      { partyId, state }: PartySnapshot,
      seq: number,
    ): Promise<void> {
      await rememberEndedScript(lineKeys(queueId, clock.now()), [
        endedMs,
        uuidToBytes(partyId),
        state,
        seq,
      ]);
    },

    /**
     * Trusts a suspect projection again if it has reached the checksum's `seq`: events are applied without gaps, so
     * nothing is missing. False if it has not, if the lock under which the checksum was read is no longer `held`, or
     * if the server has restarted since.
     */
    async trust(
      queueId: string,
      { seq, waiting, called }: LineChecksum,
      held: string,
    ): Promise<boolean> {
      const keys = [...lineKeys(queueId, clock.now()), lockKey(queueId)];
      return (await trustScript(keys, [seq, waiting, called, held])) === 1;
    },

    /** Makes a wrong projection unreadable; only under its lock, before a snapshot is taken. */
    async drop(queueId: string): Promise<void> {
      await dropScript(lineKeys(queueId, clock.now()), []);
    },
  };
}

type Reply = (number | Buffer)[];

const numberAt = (reply: Reply, index: number) => reply[index] as number;
const textAt = (reply: Reply, index: number) => String(reply[index] as Buffer);
const numberOrNull = (number: number) => (number === -1 ? null : number);
const laneOf = (rank: number) => lanes[rank] ?? null;

/** Order keys are self-terminating, so members sort in the order of the line even with the id appended. */
function memberOf({ orderKey }: PartySnapshot, partyId: Buffer): Buffer {
  return Buffer.concat([Buffer.from(orderKey, 'hex'), partyId]);
}

/** Parses a member of the line's sorted set; null beyond either end of the line. */
function neighbourOf(laneRank: string, member: Buffer): Neighbour | null {
  if (laneRank === '') return null;
  const keyBytes = member.length - idBytes;
  return {
    lane: lanes[Number(laneRank)] as Lane,
    orderKey: member.toString('hex', 0, keyBytes),
    partyId: bytesToUuid(member.subarray(keyBytes)),
  };
}

function lineValueOf(
  party: PartySnapshot,
  member = memberOf(party, uuidToBytes(party.partyId)),
): Buffer {
  const facts = `${party.state}|${party.number}|${lanes.indexOf(party.lane)}|${party.size}|`;
  return Buffer.concat([Buffer.from(facts, 'latin1'), member]);
}

function numberOfValue(value: Buffer): number {
  const from = value.indexOf('|') + 1;
  return Number(value.toString('latin1', from, value.indexOf('|', from)));
}

const calledAtMs = (party: PartySnapshot) => Date.parse(party.calledAt ?? party.joinedAt);

/** An event in the format of `lua/change.lua`. */
function argumentsOf(event: LineEvent): ScriptArgument[] {
  if (event.type === 'queue.changed') {
    const { seq, name, state, boardLabels, deleted } = event.data.queue;
    return [seq, 'queue', name, state, boardLabels, deleted ? 1 : 0, ''];
  }
  const { party } = event.data;
  return [
    party.seq,
    'party',
    uuidToBytes(party.partyId),
    party.state,
    isInLine(party.state) ? lineValueOf(party) : '',
    lanes.indexOf(party.lane),
    party.state === 'called' ? calledAtMs(party) : '',
  ];
}
