import type { Actor } from '@queue-manager/contracts/events';
import type { VenueEvent } from '@queue-manager/contracts/live';
import type { Lane, Party, PartyState } from '@queue-manager/contracts/parties';
import { endKey } from './provisional-key.ts';

/** A change that was heard of as it happened. */
export type Change = {
  /** For example `party.called`. */
  type: string;
  actor: Actor;
  /** Whether this account made it, on this or another device. */
  isMine: boolean;
  /** When it was heard of, by the clock of the device. */
  heardAt: number;
};

/** A party as the server has it, as far as this device knows. Its estimate is the one last read. */
export type KnownParty = Omit<Party, 'position' | 'number' | 'ticket' | 'ticketUrl'> & {
  /** Null until the server has named it, as are the ticket and its address. */
  number: number | null;
  ticket: string | null;
  ticketUrl: string | null;
  /** Whether its name and the like have been read; events do not carry them. */
  isRead: boolean;
  last: Change | null;
};

/**
 * A party as the stand shows it: as the server has it, with the presses that are still to be acknowledged. A row never
 * changes; there is a new one instead. Its position is its place among the rows that wait.
 */
export type Row = Omit<KnownParty, 'id'> & {
  /** Names the row in presses. Stays the same when the server names a party that was added here. */
  key: string;
  /** The server's id; null while the party is only known here. */
  id: string | null;
  /** Whether a press on it is still to be acknowledged. */
  isPending: boolean;
  /** The press on it that the server has refused. */
  conflictId: string | null;
};

/** What a press that was refused is compared by, and the number that the party goes by without a name. */
export type Facts = Pick<Row, 'number' | 'state' | 'calls' | 'lane' | 'orderKey' | 'size'> &
  Personal;
export type Personal = Pick<Row, 'name' | 'email' | 'phone' | 'notes'>;

export function factsOf(row: Facts): Facts {
  const { number, state, calls, lane, orderKey, size, name, email, phone, notes } = row;
  return { number, state, calls, lane, orderKey, size, name, email, phone, notes };
}

/** A party from a response. */
export function knownParty(party: Party, last: Change | null): KnownParty {
  const { position: _, ...facts } = party;
  return { ...facts, isRead: true, last };
}

/** A party after an event; what events do not carry stays as it is known. */
export function partyAfter(
  event: VenueEvent & { partyId: string; party: NonNullable<VenueEvent['party']> },
  known: KnownParty | undefined,
  last: Change,
): KnownParty {
  const { queueId, partyId: id, party, type } = event;
  const personal = known ?? {
    ticket: null,
    ticketUrl: null,
    name: null,
    email: null,
    phone: null,
    notes: null,
    quoted: null,
    estimate: null,
    possibleDuplicate: false,
    notifications: [],
  };
  const isRead = known?.isRead === true && !detailsChangeWith(type);
  const callExpiresAt = isRead && party.state === 'called' ? (known?.callExpiresAt ?? null) : null;
  // An older server does not tell where it stands.
  const orderKey = party.orderKey ?? known?.orderKey ?? endKey(Date.parse(party.joinedAt));
  return { ...personal, ...party, orderKey, callExpiresAt, id, queueId, isRead, last };
}

/** Whether an event may change what it does not carry: names, notes, messages, the quote, the end of the call. */
function detailsChangeWith(type: string): boolean {
  return type !== 'party.seated' && type !== 'party.departed';
}

const laneRank: Record<Lane, number> = { priority: 0, regular: 1 };

/** The order of the line, as the server has it. */
export function byPlace<T extends Pick<Row, 'lane' | 'orderKey'> & Named>(a: T, b: T): number {
  return laneRank[a.lane] - laneRank[b.lane] || compare(a.orderKey, b.orderKey) || byKey(a, b);
}

const byTime = (timeOf: (row: Row) => string | null) => (a: Row, b: Row) =>
  compare(timeOf(a) ?? '', timeOf(b) ?? '') || byKey(a, b);

/** First the one that was called first. */
export const byCall = byTime(({ calledAt }) => calledAt);
export const bySeat = byTime(({ seatedAt }) => seatedAt);
/** First the one that ended last. */
export const byEnd = (a: Row, b: Row) => byTime(({ endedAt }) => endedAt)(b, a);

type Named = { id: string | null; key?: string };

function byKey(a: Named, b: Named): number {
  return compare(a.id ?? a.key ?? '', b.id ?? b.key ?? '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The part of a queue's line that a row belongs to. */
export type Part = 'waiting' | 'called' | 'seated' | 'ended';

export function partOf(state: PartyState): Part {
  return state === 'waiting' || state === 'called' || state === 'seated' ? state : 'ended';
}
