import type { GuestParty } from '@queue-manager/contracts/guests';
import type { PartyState } from '@queue-manager/contracts/parties';
import { isInLine } from '@queue-manager/contracts/party-moves';
import type { Position } from '@queue-manager/contracts/positions';

/** What a page knows of its ticket: the party, and its place while the position service answers. */
export type TicketValue = {
  party: GuestParty;
  position: Position | null;
  /** The venue has deleted the line. */
  isLineDeleted: boolean;
};

/**
 * The ticket after an event of its stream. A change of state shows at once; what belongs to it, such as the end of the
 * call, is read. Only a read brings a party back from an end: an event that was on its way when the guest left must not.
 */
export function withPosition(
  known: TicketValue | null,
  position: Position,
): { value: TicketValue; isComplete: boolean } | null {
  if (known === null) return null;
  const { party } = known;
  if (position.seq < (known.position?.seq ?? 0)) return { value: known, isComplete: true };
  const isComplete = position.state === party.state && position.state === 'waiting';
  const state = isInLine(party.state) ? position.state : party.state;
  return { value: { ...known, party: { ...party, state }, position }, isComplete };
}

/** A read whose place is older than an event that overtook it. */
export function newerTicket(known: TicketValue, read: TicketValue): TicketValue {
  const isOvertaken = (known.position?.seq ?? 0) > (read.position?.seq ?? 0);
  return isOvertaken ? { ...read, position: known.position } : read;
}

/** The place in the line while the party waits: 1 is next. Null while it is not known. */
export function placeOf({ party, position }: TicketValue): number | null {
  return party.state === 'waiting' && position?.state === 'waiting' ? position.position : null;
}

/** Whether a party that had left the line, or was called, is waiting again. */
export function isBack(before: PartyState | null, now: PartyState): boolean {
  return now === 'waiting' && before !== null && before !== 'waiting';
}

/**
 * How many groups can go first: null if nobody is behind the party or it has done so too often. Behind one that was called
 * are those that wait.
 */
export function snoozePlacesMax(value: TicketValue, placesMax: number): number | null {
  const { party, position } = value;
  if (position?.state !== party.state || party.snoozesLeft === 0) return null;
  const place = party.state === 'called' ? 0 : placeOf(value);
  if (place === null) return null;
  const behind = position.waiting - place;
  return behind < 1 ? null : Math.min(behind, placesMax);
}

/** The estimate as it is now: it was made at `asOf`, and the wait goes on. */
export function estimateNow({ position }: TicketValue, nowMs: number) {
  if (position?.estimate == null) return null;
  const { p10, p50, p90, asOf } = position.estimate;
  const passed = Math.max(0, (nowMs - Date.parse(asOf)) / 1_000);
  const left = (seconds: number) => Math.max(0, seconds - passed);
  return { p10: left(p10), p50: left(p50), p90: left(p90) };
}

/** Parts of the time to come that are still left, from 1 to 0. */
export function callLeft({ calledAt, callExpiresAt }: GuestParty, nowMs: number) {
  if (calledAt === null || callExpiresAt === null) return null;
  const [from, to] = [Date.parse(calledAt), Date.parse(callExpiresAt)];
  const leftMs = Math.max(0, Math.min(to - nowMs, to - from));
  return { leftMs, share: leftMs / Math.max(1, to - from) };
}
