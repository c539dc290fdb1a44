import type { PartyState } from '@queue-manager/contracts/parties';

/** A change of a party or of the queue itself. Ids and places are bytes as Latin-1 text; places sort in line order. */
export type Change = {
  seq: number;
  /** Party id; absent for a change of the queue itself. */
  id?: string;
  state: PartyState;
  /** Place before and after; absent unless waiting. */
  from?: string;
  to?: string;
  /** Absent unless waiting or called. */
  size?: number;
  /** Parties before it at that moment; absent unless its place is new. */
  ahead?: number;
  /** Only for a change of the queue. */
  deleted?: boolean;
};

/** The changes of one script run, which advanced the projection from `after` to `seq`. */
export type Changes = {
  after: number;
  seq: number;
  waiting: number;
  changes: Change[];
};

/** Messages on a queue's channel; see `lua/change.lua`, `lua/open-stream-2.lua` and `ticket-streams.ts`. */
type Message = Changes | { reset: true; seq: number } | { ended: string } | { holders: string };

/** The script's JSON contains raw bytes, so it is decoded as Latin-1. */
export function readMessage(message: Buffer): Message {
  return JSON.parse(message.toString('latin1')) as Message;
}

/** A party's place as of `seq`; unless it waits, `ahead` is -1 and `place` is empty. */
export type Standing = {
  readonly id: string;
  state: PartyState;
  place: string;
  /** Null once it has left the line. */
  size: number | null;
  ahead: number;
  waiting: number;
  seq: number;
};

/** Applies changes, in order, to a standing. Stops and returns false at a gap. */
export function advance(standing: Standing, log: readonly Changes[]): boolean {
  for (const { after, seq, waiting, changes } of log) {
    if (seq <= standing.seq) continue;
    if (after > standing.seq) return false;
    for (const change of changes) {
      if (change.seq > standing.seq) applyChange(standing, change);
    }
    standing.seq = seq;
    standing.waiting = waiting;
  }
  return true;
}

function applyChange(standing: Standing, { id, state, from, to, size, ahead }: Change): void {
  if (id === standing.id) {
    standing.state = state;
    standing.place = to ?? '';
    standing.size = size ?? null;
    standing.ahead = to === undefined ? -1 : (ahead ?? standing.ahead);
  } else if (standing.ahead >= 0 && from !== to) {
    if (from !== undefined && from < standing.place) standing.ahead -= 1;
    if (to !== undefined && to < standing.place) standing.ahead += 1;
  }
}

/**
 * Applies the change at `index`, which must be of the standing's own party, and those after it. False if that is not
 * enough to know the party's position, because its place did not change: then all earlier changes are needed.
 */
export function applyOwn(standing: Standing, latest: Changes, index: number): boolean {
  const own = latest.changes[index] as Change;
  if (own.to !== undefined && own.ahead === undefined) return false;
  for (let at = index; at < latest.changes.length; at++) {
    applyChange(standing, latest.changes[at] as Change);
  }
  standing.seq = latest.seq;
  standing.waiting = latest.waiting;
  return true;
}

/**
 * Returns a function that computes how far the changes of others shift a given place. Sorts the changes once, so that
 * each of many places takes one binary search.
 */
export function shiftsOf(log: readonly Changes[]): (place: string) => number {
  const steps: { place: string; by: number }[] = [];
  for (const { changes } of log) {
    for (const { from, to } of changes) {
      if (from === to) continue;
      if (from !== undefined) steps.push({ place: from, by: -1 });
      if (to !== undefined) steps.push({ place: to, by: 1 });
    }
  }
  steps.sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0));
  const sums = [0];
  for (const { by } of steps) sums.push((sums.at(-1) as number) + by);
  return (place) => {
    let low = 0;
    let high = steps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((steps[middle] as { place: string }).place < place) low = middle + 1;
      else high = middle;
    }
    return sums[low] as number;
  };
}
