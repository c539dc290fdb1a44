import type { HistoryEvent } from '@queue-manager/contracts/history';
import type { Lane } from '@queue-manager/contracts/parties';

/**
 * What the model learns from: which party entered or left the line, of which size, when, and how long it has waited.
 *
 * - `joined`: entered at the end of its lane; `returned`: came back, to its former place or further behind
 * - `called`: called, or seated without a call; `uncalled`: that was taken back
 * - `gone`: gave up; `removed`: by the staff, also when they empty the line to close it
 * - `moved`: got another place; `resized`: another size
 * - `line`: the queue was opened, paused or closed
 */
export type LearningEvent = { seq: number; timeMs: number } & (
  | {
      kind: 'joined' | 'returned' | 'called' | 'uncalled' | 'gone' | 'removed' | 'moved';
      partyId: string;
      lane: Lane;
      size: number;
      joinedAtMs: number;
    }
  | { kind: 'resized'; partyId: string; size: number; sizeBefore: number }
  | { kind: 'line'; moves: boolean }
);

/** Null for events that say nothing about waits: recalls, departures, renames. */
export function toLearningEvent(event: HistoryEvent): LearningEvent | null {
  const { seq, previousState, previousSize = null, party, partyId, queue } = event;
  const timeMs = Date.parse(event.time);
  if (queue !== null) {
    return { kind: 'line', seq, timeMs, moves: queue.state !== 'paused' && !queue.deleted };
  }
  if (party === null || partyId === null) return null;
  const { state, lane, size } = party;
  if (previousState === 'waiting' && state === 'waiting' && previousSize !== null) {
    return { kind: 'resized', seq, timeMs, partyId, size, sizeBefore: previousSize };
  }
  const joinedAtMs = Date.parse(party.joinedAt);
  const kind = event.undone ? kindOfUndo(event, state) : kindOf(event, state);
  if (kind === null) return null;
  // Added later than it joined, at its place by that time: it saw nothing of the line from there.
  const isLate = kind === 'joined' && joinedAtMs < timeMs;
  return { kind: isLate ? 'returned' : kind, seq, timeMs, partyId, lane, size, joinedAtMs };
}

function kindOf({ previousState: from, type }: HistoryEvent, to: string) {
  if (to === 'waiting') {
    if (from === null) return 'joined';
    if (from !== 'waiting') return 'returned';
    return type === 'party.moved' ? 'moved' : null;
  }
  if (from === 'waiting') {
    if (to === 'removed') return to;
    return to === 'called' || to === 'seated' ? 'called' : 'gone';
  }
  // Joined and served in one event: does not exist today.
  return null;
}

/** Whatever it returns to, nobody gave up. */
function kindOfUndo({ previousState: from, undone }: HistoryEvent, to: string) {
  if (to === 'waiting') {
    const isCall = undone?.type === 'party.called' || undone?.type === 'party.seated';
    if (from !== 'waiting') return isCall ? 'uncalled' : 'returned';
    return undone?.type === 'party.moved' ? 'moved' : null;
  }
  return from === 'waiting' ? 'removed' : null;
}
