import { setTimeout as delay } from 'node:timers/promises';
import type { PartySnapshot } from '@queue-manager/contracts/events';
import {
  getLineChecksum,
  getPartySnapshots,
  type LineChecksum,
} from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Facts, Projection } from '../projection/projection.ts';
import { readSnapshot } from './read-snapshot.ts';

/**
 * How a projection differs from MySQL:
 *   missing  it is absent, incomplete or suspect
 *   behind   it lacks events for longer than they may be in flight
 *   ahead    it has applied or buffered events that never happened
 *   queue    the queue's name, state or board labels
 *   counts   the number of parties waiting or called
 *   parties  the place or state of a party in the line
 *   ended    the state of a party that left the line
 */
export const differences = [
  'missing',
  'behind',
  'ahead',
  'queue',
  'counts',
  'parties',
  'ended',
] as const;
export type Difference = (typeof differences)[number];

/** `unsettled`: the line changed too fast to be compared. */
export type Compared = Difference | 'same' | 'unsettled';

/** Attempts to compare a line that keeps changing, before it is left for later. */
const attemptsMax = 5;
/** Pause before a party is compared again whose last event is not applied yet. */
const retryMs = 50;

type CompareLine = {
  /** Compares what is cheap: `seq`, the queue and the counts. */
  checksum(queueId: string): Promise<Compared>;
  /** Compares all that is stored of a line, 100 parties at a time. */
  whole(queueId: string): Promise<Compared>;
};

/**
 * Compares projections with the queue service's rows while both keep changing. A projection and a row set at the same
 * `seq` must be equal. A party must be equal if its row did not change between two reads of it and the projection,
 * read in between, had that last change. Nothing else counts as a difference: events have `lagMs` to arrive.
 */
export function createCompareLine(options: {
  projection: Projection;
  queueService: InternalClient;
  lagMs: number;
  /** Aborts running comparisons, which then throw. */
  signal: AbortSignal;
}): CompareLine {
  const { projection, queueService, lagMs, signal } = options;

  async function checksum(queueId: string): Promise<Compared> {
    const lagEnd = performance.now() + lagMs;
    let seqExpected: number | undefined;
    for (let attempt = 1; ; attempt++) {
      const isLast = performance.now() >= lagEnd;
      // MySQL is read last, so the projection cannot legitimately be ahead of it.
      const held = await projection.readChecksum(queueId);
      const truth = await queueService.call(getLineChecksum, { params: { queueId } });
      seqExpected ??= truth.seq;
      if (held.isKnown && !held.isSuspect) {
        if (Math.max(held.seq, held.lastPending) > truth.seq) return 'ahead';
        if (held.seq === truth.seq) return compareFacts(held, truth);
        if (isLast) return held.seq < seqExpected ? 'behind' : 'unsettled';
      } else if (isLast) {
        // Readers of a missing projection have it rebuilt, which takes a while, too.
        return 'missing';
      }
      await delay(attempt < attemptsMax ? 0 : lagMs / 10, undefined, { signal });
    }
  }

  async function parties(
    queueId: string,
    rows: readonly PartySnapshot[],
  ): Promise<'same' | 'unsettled' | 'differ'> {
    let doubtful = rows;
    for (let attempt = 1; doubtful.length > 0; attempt++) {
      signal.throwIfAborted();
      const held = await projection.compareParties(queueId, doubtful);
      if (!held.isKnown) return 'unsettled';
      const differing = doubtful.filter((_, index) => !held.isSame[index]);
      if (differing.length === 0) break;
      if (attempt === attemptsMax) return 'unsettled';
      const now = await read(
        queueId,
        differing.map(({ partyId }) => partyId),
      );
      for (const [index, { seq }] of differing.entries()) {
        if (now[index]?.seq === seq && seq <= held.seq) return 'differ';
      }
      doubtful = now.filter((party) => party !== null);
      await delay(retryMs, undefined, { signal });
    }
    return 'same';
  }

  async function read(queueId: string, partyIds: string[]): Promise<(PartySnapshot | null)[]> {
    return (await queueService.call(getPartySnapshots, { params: { queueId }, body: { partyIds } }))
      .parties;
  }

  async function whole(queueId: string): Promise<Compared> {
    let result = await checksum(queueId);
    if (result !== 'same' && result !== 'unsettled') return result;
    const snapshot = await readSnapshot(queueService, queueId);
    if (snapshot === null) return result;
    for await (const chunk of snapshot.chunks) {
      const compared = await parties(queueId, chunk);
      if (compared === 'differ') return 'parties';
      if (compared === 'unsettled') result = 'unsettled';
    }
    for (const daysAgo of [0, 1] as const) {
      let cursor: string | null = '0';
      while (cursor !== null) {
        const ended = await projection.scanEnded(queueId, { daysAgo, cursor });
        if (!ended.isKnown) return 'unsettled';
        const rows = await read(queueId, ended.partyIds);
        const compared = await parties(
          queueId,
          rows.filter((party) => party !== null),
        );
        if (compared === 'differ') return 'ended';
        if (compared === 'unsettled') result = 'unsettled';
        cursor = ended.cursor;
      }
    }
    return result;
  }

  return { checksum, whole };
}

function compareFacts(held: Facts, truth: LineChecksum): 'same' | 'queue' | 'counts' {
  if (held.waiting !== truth.waiting || held.called !== truth.called) return 'counts';
  const isSame =
    held.name === truth.name &&
    held.state === truth.state &&
    held.boardLabels === truth.boardLabels &&
    held.isDeleted === truth.deleted;
  return isSame ? 'same' : 'queue';
}
