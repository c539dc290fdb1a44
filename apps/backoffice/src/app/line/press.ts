import type { OperationId } from '@queue-manager/client/operations';
import type { PartyEventType } from '@queue-manager/contracts/events';
import type { Lane, Party, PartyState } from '@queue-manager/contracts/parties';
import { type PartyMove, partyMoves } from '@queue-manager/contracts/party-moves';
import type { ProblemCode } from '@queue-manager/contracts/problems';
import { endKey } from './provisional-key.ts';
import type { Facts, Personal, Row } from './row.ts';

/** Goes beyond the venue's capacity; managers only, with a reason. */
export type Override = { override?: true; reason?: string };

type Moving = { kind: 'call' | 'depart' | 'noShow' | 'remove' | 'restore'; reason?: string };

/** What a host did. */
export type Action =
  | Moving
  | ({ kind: 'seat' } & Override)
  | {
      kind: 'move';
      reason: string;
      /** The party that it now stands directly in front of, and the one behind which it stands; null at an end. */
      ahead: string | null;
      behind: string | null;
      /** As counted when it was moved. */
      position: number;
      place: { lane: Lane; orderKey: string };
    }
  | ({ kind: 'edit'; changes: Partial<Personal & { name: string; size: number }> } & Override)
  | {
      kind: 'add';
      queueId: string;
      name: string;
      size: number;
      lane: Lane;
      email: string | null;
      phone: string | null;
      notes: string | null;
      locale?: string;
    }
  /** Takes back a press; `before` is the row before it, null if it added the party. */
  | { kind: 'undo'; of: string; before: Row | null }
  /** Counts people at the door. */
  | ({ kind: 'count'; delta: number } & Override);

/** A request as it is sent, the same each time. */
export type Request = {
  operation: OperationId;
  params: Record<string, string>;
  body: Record<string, unknown>;
};

/** Why the server refused a press, and what it has instead. */
export type Refusal = {
  code: ProblemCode | null;
  /** Written for people, in English. */
  detail: string;
  /** The party as the server has it; null if it has none. */
  now: Party | null;
  at: number;
};

/** A press as it is kept on the device until the server has acknowledged it. */
export type Press = {
  id: string;
  /** The account and the venue that it belongs to. */
  owner: string;
  /** When it was made, by the server's clock. */
  at: number;
  action: Action;
  /** The party: its id, or the press that added it. Null for a count at the door. */
  party: string | null;
  /** The earlier press on the same party that was still unacknowledged. */
  after: string | null;
  /** The last event of the party that the host knew of. */
  seq: number | null;
  /** The party as the host saw it. */
  saw: Facts | null;
  /** The idempotency key. */
  key: string;
  /** When it was first sent, with its request; null before. */
  sentAt: number | null;
  request: Request | null;
  /** How often the server failed on it. */
  failures: number;
  refusal: Refusal | null;
};

const moves = {
  call: 'call',
  seat: 'seat',
  depart: 'depart',
  noShow: 'noShow',
  remove: 'remove',
  restore: 'restore',
  move: 'move',
} as const satisfies Partial<Record<Action['kind'], PartyMove>>;

function isMove(kind: Action['kind']): kind is keyof typeof moves {
  return Object.hasOwn(moves, kind);
}

/** Whether a party in this state can be moved so. */
export function allows(kind: Action['kind'], state: PartyState): boolean {
  return !isMove(kind) || (partyMoves[kind].from as readonly PartyState[]).includes(state);
}

/** The event that a press causes. */
export function eventOf(kind: Action['kind']): PartyEventType | null {
  if (isMove(kind)) return partyMoves[kind].event;
  switch (kind) {
    case 'add':
      return 'party.joined';
    case 'edit':
      return 'party.changed';
    case 'undo':
      return 'party.undone';
    default:
      return null;
  }
}

/** By how many people a press changes the occupancy, for a row as it is before. */
export function peopleIn(action: Action, row: Row | null): number {
  if (action.kind === 'count') return action.delta;
  if (row === null) return 0;
  const after = rowAfter(action, row, row.joinedAt);
  const seated = (of: Row | null) => (of?.state === 'seated' ? of.size : 0);
  return seated(after) - seated(row);
}

/** The row once the press has happened; null if there is none any more. Times are those of the press. */
export function rowAfter(action: Action, row: Row, time: string): Row | null {
  switch (action.kind) {
    case 'call':
      return { ...row, state: 'called', ...noTimes, calledAt: time, calls: row.calls + 1 };
    case 'seat':
      return { ...row, state: 'seated', callExpiresAt: null, seatedAt: time };
    case 'depart':
      return { ...row, state: 'departed', departedAt: time, endedAt: time };
    case 'noShow':
      return { ...row, state: 'no_show', callExpiresAt: null, endedAt: time };
    case 'remove':
      return { ...row, state: 'removed', callExpiresAt: null, endedAt: time };
    case 'restore':
      return { ...row, state: 'waiting', ...noTimes };
    case 'move':
      return { ...row, ...action.place };
    case 'edit':
      return { ...row, ...action.changes };
    case 'undo': {
      if (action.before === null) return null;
      const { seq, last } = row;
      return { ...action.before, seq, last };
    }
    case 'add':
    case 'count':
      return row;
  }
}

const noTimes = {
  calledAt: null,
  callExpiresAt: null,
  confirmedAt: null,
  seatedAt: null,
  departedAt: null,
  endedAt: null,
};

/** The row of a party that was added here and that the server has not named yet. */
export function addedRow(press: Press, action: Extract<Action, { kind: 'add' }>): Row {
  const { queueId, name, size, lane, email, phone, notes } = action;
  return {
    key: press.id,
    id: null,
    queueId,
    number: null,
    ticket: null,
    ticketUrl: null,
    name,
    size,
    lane,
    orderKey: endKey(press.at),
    state: 'waiting',
    email,
    phone,
    notes,
    source: 'staff',
    seq: 0,
    quoted: null,
    estimate: null,
    joinedAt: new Date(press.at).toISOString(),
    ...noTimes,
    calls: 0,
    possibleDuplicate: false,
    notifications: [],
    isRead: true,
    last: null,
    isPending: true,
    conflictId: null,
  };
}

/**
 * Whether a press was decided on what is no longer so. Others may have changed what does not matter for it: a note, or
 * that the guest confirmed.
 */
export function isOutdated(action: Action, saw: Facts | null, now: Facts): boolean {
  if (saw === null) return true;
  if (action.kind === 'edit') {
    return Object.keys(action.changes).some((field) => differs(field as keyof Facts, saw, now));
  }
  const relevant = ['state', 'calls', 'lane', 'orderKey', 'size'] as const;
  return action.kind === 'undo' || relevant.some((field) => differs(field, saw, now));
}

/** Whether the party is already as the press would have it. */
export function isDone(action: Action, now: Facts): boolean {
  if (action.kind === 'edit') {
    return Object.entries(action.changes).every(
      ([field, value]) => now[field as keyof Facts] === value,
    );
  }
  return isMove(action.kind) && action.kind !== 'move' && now.state === partyMoves[action.kind].to;
}

function differs(field: keyof Facts, a: Facts, b: Facts): boolean {
  return a[field] !== b[field];
}

/**
 * The request of a press. `seq` is the last event of the party that the decision takes into account, and `positionOf`
 * counts where a moved party now belongs.
 */
export function requestOf(
  press: Press,
  venueId: string,
  target: { partyId: string; seq: number } | null,
  positionOf: (action: Extract<Action, { kind: 'move' }>) => number,
): Request {
  const { action } = press;
  if (action.kind === 'count') {
    const { kind: _, ...body } = action;
    return { operation: 'changeOccupancy', params: { venueId }, body };
  }
  if (action.kind === 'add') {
    const { kind: _, queueId, ...body } = action;
    const joinedAt = new Date(press.at).toISOString();
    return { operation: 'addParty', params: { queueId }, body: { ...body, joinedAt } };
  }
  if (target === null) throw new Error('The press has no party');
  const { partyId, seq } = target;
  const to = (operation: OperationId, body: Record<string, unknown> = {}): Request => ({
    operation,
    params: { partyId },
    body: { ...body, seq },
  });
  switch (action.kind) {
    case 'undo':
      return to('undoParty');
    case 'edit': {
      const { kind: _, changes, ...override } = action;
      return to('updateParty', { ...changes, ...override });
    }
    case 'move':
      return to('moveParty', { position: positionOf(action), reason: action.reason });
    default: {
      const { kind, ...body } = action;
      return to(`${kind}Party`, body);
    }
  }
}
