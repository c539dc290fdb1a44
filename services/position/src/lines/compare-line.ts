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
 * In what a line in Redis differs from the truth:
 *   missing  it is not there, or not whole, or may lack what an earlier run of its server lost
 *   behind   events have not come that happened a while ago
 *   ahead    it knows of events that never happened
 *   queue    the queue's name, state or kind of labels
 *   counts   how many wait or are called
 *   parties  the place or state of somebody in the line
 *   ended    what became of somebody who left it
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

/** `unsettled` when the line moved on faster than it could be compared. */
export type Compared = Difference | 'same' | 'unsettled';

/** Looks at a line that moves on while it is compared, before it is left for later. */
const looksMax = 5;
/** Between looks at a party whose last change the line does not know yet. */
const lookAgainMs = 50;

export type CompareLine = {
  /** Compares what costs next to nothing: how far the line is, what is said of the queue, and the counts. */
  checksum(queueId: string): Promise<Compared>;
  /** Compares everything that is stored of a line, a hundred parties at a time. */
  whole(queueId: string): Promise<Compared>;
};

/**
 * Compares lines in Redis with the queue service's rows, both of which go on changing. Two of them that know of
 * the same events have to be the same; a party has to be the same where it has not changed between two looks at
 * its row and Redis, looked at in between, knows of that last change. Nothing else counts as a difference: an
 * event that is on its way has `lagMs` to come.
 */
export function createCompareLine(given: {
  projection: Projection;
  queueService: InternalClient;
  lagMs: number;
  /** Ends what is under way, which throws then. */
  signal: AbortSignal;
}): CompareLine {
  const { projection, queueService, lagMs, signal } = given;

  async function checksum(queueId: string): Promise<Compared> {
    const lagEnds = performance.now() + lagMs;
    let toCome: number | undefined;
    for (let look = 1; ; look++) {
      const isLast = performance.now() >= lagEnds;
      // The truth is read last: nothing can be known that it does not know.
      const held = await projection.readChecksum(queueId);
      const truth = await queueService.call(getLineChecksum, { params: { queueId } });
      toCome ??= truth.seq;
      if (held.isKnown && !held.isSuspect) {
        if (Math.max(held.seq, held.lastPending) > truth.seq) return 'ahead';
        if (held.seq === truth.seq) return compareFacts(held, truth);
        if (isLast) return held.seq < toCome ? 'behind' : 'unsettled';
      } else if (isLast) {
        // Whoever reads a line that is not there has it rebuilt, and that takes its time too.
        return 'missing';
      }
      await delay(look < looksMax ? 0 : lagMs / 10, undefined, { signal });
    }
  }

  async function parties(
    queueId: string,
    told: readonly PartySnapshot[],
  ): Promise<'same' | 'unsettled' | 'differ'> {
    let doubtful = told;
    for (let look = 1; doubtful.length > 0; look++) {
      signal.throwIfAborted();
      const held = await projection.compareParties(queueId, doubtful);
      if (!held.isKnown) return 'unsettled';
      const odd = doubtful.filter((_, index) => !held.isSame[index]);
      if (odd.length === 0) break;
      if (look === looksMax) return 'unsettled';
      const now = await read(
        queueId,
        odd.map(({ partyId }) => partyId),
      );
      for (const [index, { seq }] of odd.entries()) {
        if (now[index]?.seq === seq && seq <= held.seq) return 'differ';
      }
      doubtful = now.filter((party) => party !== null);
      await delay(lookAgainMs, undefined, { signal });
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
    for await (const piece of snapshot.pieces) {
      const compared = await parties(queueId, piece);
      if (compared === 'differ') return 'parties';
      if (compared === 'unsettled') result = 'unsettled';
    }
    for (const daysAgo of [0, 1] as const) {
      let cursor: string | null = '0';
      while (cursor !== null) {
        const ended = await projection.scanEnded(queueId, { daysAgo, cursor });
        if (!ended.isKnown) return 'unsettled';
        const told = await read(queueId, ended.partyIds);
        const compared = await parties(
          queueId,
          told.filter((party) => party !== null),
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
