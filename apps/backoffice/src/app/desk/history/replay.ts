import type { NamedHistoryEvent } from '@queue-manager/contracts/history';
import type { PartyState } from '@queue-manager/contracts/parties';
import { endKey } from '../../line/provisional-key.ts';
import { byPlace } from '../../line/row.ts';

type Snapshot = NonNullable<NamedHistoryEvent['party']>;

/** A party as an event has left it. */
export type PartyThen = Omit<Snapshot, 'orderKey'> & { id: string; orderKey: string };

/** The line at a moment. */
export type LineThen = { waiting: PartyThen[]; called: PartyThen[]; seated: PartyThen[] };

type PartyEvent = NamedHistoryEvent & { partyId: string; party: Snapshot };

function isOfParty(event: NamedHistoryEvent): event is PartyEvent {
  return event.partyId !== null && event.party !== null;
}

function partyAfter({ partyId, party }: PartyEvent): PartyThen {
  // An older queue service does not tell the place.
  const orderKey = party.orderKey ?? endKey(Date.parse(party.joinedAt));
  return { ...party, id: partyId, orderKey };
}

/** Parties that were there before the first of these events: what their own first event says they were. */
function partiesBefore(events: readonly NamedHistoryEvent[]): Map<string, PartyThen> {
  const seen = new Set<string>();
  const before = new Map<string, PartyThen>();
  for (const event of events) {
    if (!isOfParty(event) || seen.has(event.partyId)) continue;
    seen.add(event.partyId);
    const state: PartyState | null = event.previousState;
    if (event.type === 'party.joined' || state === null) continue;
    const size = event.previousSize ?? event.party.size;
    before.set(event.partyId, { ...partyAfter(event), state, size });
  }
  return before;
}

/**
 * The line as it stood at a moment, from the events of a night in their order. `others` were in the line all the time:
 * no event is about them.
 */
export function lineAt(
  events: readonly NamedHistoryEvent[],
  moment: number,
  others: readonly PartyThen[] = [],
): LineThen {
  const parties = partiesBefore(events);
  for (const party of others) parties.set(party.id, party);
  for (const event of events) {
    if (Date.parse(event.time) > moment) break;
    if (isOfParty(event)) parties.set(event.partyId, partyAfter(event));
  }
  const all = [...parties.values()];
  const inState = (state: PartyState) => all.filter((party) => party.state === state);
  const byTime = (time: 'calledAt' | 'seatedAt') => (a: PartyThen, b: PartyThen) =>
    (a[time] ?? '') < (b[time] ?? '') ? -1 : 1;
  return {
    waiting: inState('waiting').sort(byPlace),
    called: inState('called').sort(byTime('calledAt')),
    seated: inState('seated').sort(byTime('seatedAt')),
  };
}

/** From which position each party was moved that waited before and after, by the number of the event. */
export function movesOf(
  events: readonly NamedHistoryEvent[],
  others: readonly PartyThen[] = [],
): Map<number, { from: number | null; to: number }> {
  const moves = new Map<number, { from: number | null; to: number }>();
  const parties = partiesBefore(events);
  for (const party of others) parties.set(party.id, party);
  const known = new Set(others.map(({ id }) => id));
  const positionOf = (party: PartyThen) => {
    let ahead = 0;
    for (const other of parties.values()) {
      if (other.state === 'waiting' && other.id !== party.id && byPlace(other, party) < 0) {
        ahead += 1;
      }
    }
    return ahead + 1;
  };
  for (const event of events) {
    if (!isOfParty(event)) continue;
    const before = parties.get(event.partyId);
    const after = partyAfter(event);
    if (event.type === 'party.moved') {
      // Where a party stood whose first event this is, nobody has told.
      const isKnown = known.has(event.partyId) && before?.state === 'waiting';
      moves.set(event.seq, {
        from: isKnown ? positionOf(before) : null,
        to: event.position ?? positionOf(after),
      });
    }
    known.add(event.partyId);
    parties.set(event.partyId, after);
  }
  return moves;
}
