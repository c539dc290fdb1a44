import type { HistoryEvent } from '@queue-manager/contracts/history';
import type { Lane } from '@queue-manager/contracts/parties';

/**
 * What the model sees of an event: who entered or left the line, when, and since when that party waits.
 *
 * - `joined`: at the end of its lane; `returned`: at a place it had before
 * - `called`: from the line, or seated from where it waited
 * - `gone`: gave up; `removed`: by the staff, who also empty a line so when they close it
 * - `moved`: it has another place
 * - `line`: the queue was opened, paused or closed
 */
export type LearningEvent = { seq: number; timeMs: number } & (
  | {
      kind: 'joined' | 'returned' | 'called' | 'gone' | 'removed' | 'moved';
      partyId: string;
      lane: Lane;
      joinedAtMs: number;
    }
  | { kind: 'line'; moves: boolean }
);

/** null for what says nothing about how the line moves: calls repeated, guests departed, names changed. */
export function toLearningEvent(event: HistoryEvent): LearningEvent | null {
  const { seq, previousState, party, partyId, queue } = event;
  const timeMs = Date.parse(event.time);
  if (queue !== null) {
    return { kind: 'line', seq, timeMs, moves: queue.state !== 'paused' && !queue.deleted };
  }
  if (party === null || partyId === null) return null;
  const kind = kindOf(previousState, party.state, event.type);
  if (kind === null) return null;
  const { lane } = party;
  return { kind, seq, timeMs, partyId, lane, joinedAtMs: Date.parse(party.joinedAt) };
}

function kindOf(from: string | null, to: string, type: string) {
  if (to === 'waiting') {
    if (from === null) return 'joined';
    if (from !== 'waiting') return 'returned';
    return type === 'party.moved' ? 'moved' : null;
  }
  if (from === 'waiting') {
    if (to === 'removed') return to;
    return to === 'called' || to === 'seated' ? 'called' : 'gone';
  }
  // Joined and served in one event, should there ever be one.
  return null;
}
