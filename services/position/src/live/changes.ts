import type { PartyState } from '@queue-manager/contracts/parties';

/** What was done to a party, or to the queue itself. Ids and places are bytes as text, which compare as the line runs. */
export type Change = {
  seq: number;
  /** Of a party; absent where the queue itself changed. */
  id?: string;
  state: PartyState;
  /** Where it waited and waits; absent when nowhere. */
  from?: string;
  to?: string;
  /** How many stood before it at that moment; absent unless its place is new. */
  ahead?: number;
  /** Whether the queue is deleted now. */
  deleted?: boolean;
};

/** What one run of a script did: the line stood at `after` and stands at `seq` now. */
export type Changes = {
  after: number;
  seq: number;
  waiting: number;
  changes: Change[];
};

/** What is said in the channel of a line; see `lua/change.lua`, `lua/open-stream-2.lua` and `ticket-streams.ts`. */
export type Message =
  | Changes
  | { reset: true; seq: number }
  | { ended: string }
  | { holders: string };

/** Bytes stand for themselves in the script's JSON, so each is read as a character of its own. */
export function readMessage(message: Buffer): Message {
  return JSON.parse(message.toString('latin1')) as Message;
}

/** A party's place as of a `seq`; `ahead` is -1 unless it waits, and `place` is empty then. */
export type Standing = {
  readonly id: string;
  state: PartyState;
  place: string;
  ahead: number;
  waiting: number;
  seq: number;
};

/**
 * Brings a standing forward by what happened, given in order. False when something between is missing; the
 * standing is then as it was before that.
 */
export function advance(standing: Standing, happened: readonly Changes[]): boolean {
  for (const { after, seq, waiting, changes } of happened) {
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

function applyChange(standing: Standing, { id, state, from, to, ahead }: Change): void {
  if (id === standing.id) {
    standing.state = state;
    standing.place = to ?? '';
    standing.ahead = to === undefined ? -1 : (ahead ?? standing.ahead);
  } else if (standing.ahead >= 0 && from !== to) {
    if (from !== undefined && from < standing.place) standing.ahead -= 1;
    if (to !== undefined && to < standing.place) standing.ahead += 1;
  }
}

/**
 * Applies the change of the standing's own party at `index` of `happened`, and what followed there. False when
 * that does not say where the party stands, since its place is not new: what came before has to be known.
 */
export function applyOwn(standing: Standing, happened: Changes, index: number): boolean {
  const own = happened.changes[index] as Change;
  if (own.to !== undefined && own.ahead === undefined) return false;
  for (let at = index; at < happened.changes.length; at++) {
    applyChange(standing, happened.changes[at] as Change);
  }
  standing.seq = happened.seq;
  standing.waiting = happened.waiting;
  return true;
}

/**
 * How far changes of others move whoever stands at a place, for many places and many changes: the changes are
 * sorted once, and each place is then found among them.
 */
export function shiftsOf(happened: readonly Changes[]): (place: string) => number {
  const steps: { place: string; by: number }[] = [];
  for (const { changes } of happened) {
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
