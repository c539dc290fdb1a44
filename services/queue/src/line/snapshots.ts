import type { PartySnapshot, QueueSnapshot } from '@queue-manager/contracts/events';
import { type Lane, lanes } from '@queue-manager/contracts/parties';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { PartyRow, QueueRow } from '../db/tables.ts';

/** The lane of a row. */
export function laneOf(index: number): Lane {
  return lanes[index] as Lane;
}

/** A lane as a row stores it; lower is served first. */
export function laneIndex(lane: Lane): number {
  return lanes.indexOf(lane);
}

function timestamp(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}

/** A party as events and responses carry it. */
export function partySnapshot(party: PartyRow): PartySnapshot {
  return {
    partyId: bytesToUuid(party.id),
    seq: party.seq,
    state: party.state,
    lane: laneOf(party.lane),
    orderKey: party.order_key.toString('hex'),
    number: party.number,
    size: party.size,
    source: party.source,
    calls: party.calls,
    joinedAt: party.joined_at.toISOString(),
    calledAt: timestamp(party.called_at),
    confirmedAt: timestamp(party.confirmed_at),
    seatedAt: timestamp(party.seated_at),
    departedAt: timestamp(party.departed_at),
    endedAt: timestamp(party.ended_at),
  };
}

export function queueSnapshot(queue: QueueRow): QueueSnapshot {
  return {
    seq: queue.seq,
    name: queue.name,
    state: queue.state,
    boardLabels: queue.board_labels,
    deleted: queue.deleted_at !== null,
  };
}

/** A party without personal data, which may be stored as the answer to a request. */
export type PartyRecord = PartySnapshot & { queueId: string; possibleDuplicate: boolean };

export function partyRecord(party: PartyRow): PartyRecord {
  return {
    ...partySnapshot(party),
    queueId: bytesToUuid(party.queue_id),
    possibleDuplicate: party.possible_duplicate === 1,
  };
}
