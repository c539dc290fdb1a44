import { everyItem } from '@queue-manager/client/client';
import { lanes, listParties, type Party, partyStates } from '@queue-manager/contracts/parties';
import { type PartyMove, partyMoves } from '@queue-manager/contracts/party-moves';
import { getPosition } from '@queue-manager/contracts/positions';
import { getQueue } from '@queue-manager/contracts/queues';
import { limits } from '@queue-manager/contracts/values';
import { type Caller, succeed } from '../callers/retrying-caller.ts';
import type { EventRecord, Inside } from './inside.ts';
import type { AcknowledgedParty, Ledger, Violation } from './ledger.ts';

export interface CheckOptions {
  venueId: string;
  queueIds: string[];
  caller: Caller;
  staff: Caller;
  inside: Inside;
  ledger: Ledger;
}

type Complain = (what: string) => void;

/** What one queue's own records say, once the system has come to rest. */
interface QueueRecords {
  queueId: string;
  parties: Party[];
  events: EventRecord[];
}

/**
 * Holds a system that has come to rest against what it acknowledged.
 *
 * @returns what is not as it must be; no names, addresses or tickets.
 */
export async function checkLines(
  options: CheckOptions,
): Promise<{ parties: Party[]; violations: Violation[] }> {
  const violations: Violation[] = [];
  const everyone: Party[] = [];
  const complain: Complain = (what) => violations.push({ what, atMs: null });
  for (const queueId of options.queueIds) {
    const records: QueueRecords = {
      queueId,
      parties: await readParties(options, queueId),
      events: await options.inside.events(queueId),
    };
    everyone.push(...records.parties);
    await checkSeq(options, records, complain);
    checkParties(options.ledger, records, complain);
    checkOrder(options.ledger, records, complain);
    await checkPositions(options, records, complain);
  }
  const known = new Set(everyone.map(({ ticket }) => ticket));
  for (const ticket of options.ledger.parties.keys()) {
    if (!known.has(ticket)) complain('a party whose join was acknowledged is not listed');
  }
  return { parties: everyone, violations };
}

/** Every party of a queue, in any state. */
function readParties({ staff }: CheckOptions, queueId: string): Promise<Party[]> {
  const query = { state: partyStates.join(','), limit: limits.pageSizeMax };
  return Array.fromAsync(
    everyItem((page) =>
      succeed(staff, listParties, { params: { queueId }, query: { ...query, ...page } }),
    ),
  );
}

/** Events are numbered without a gap, up to the number on the queue's row, and its counters are right. */
async function checkSeq(
  { staff }: CheckOptions,
  { queueId, parties, events }: QueueRecords,
  complain: Complain,
): Promise<void> {
  for (const [index, { seq }] of events.entries()) {
    if (seq !== index + 1) {
      complain(`the event after ${index} of queue ${queueId} has the number ${seq}`);
      break;
    }
  }
  const queue = await succeed(staff, getQueue, { params: { queueId } });
  for (const state of ['waiting', 'called'] as const) {
    const count = parties.filter((party) => party.state === state).length;
    if (queue[state] !== count) {
      complain(`queue ${queueId} counts ${queue[state]} ${state}, and lists ${count}`);
    }
  }
}

/** Each party is there once, as its events say, and has been through what was acknowledged and no more. */
function checkParties(ledger: Ledger, { parties, events }: QueueRecords, complain: Complain): void {
  const eventsOf = Map.groupBy(events, ({ partyId }) => partyId);
  const seen = new Set<string>();
  for (const party of parties) {
    const who = `party ${party.id}`;
    if (seen.has(party.id)) complain(`${who} is listed twice`);
    seen.add(party.id);
    if (!ledger.parties.has(party.ticket)) complain(`${who} comes from no acknowledged join`);

    const own = eventsOf.get(party.id) ?? [];
    const last = own.at(-1)?.data.party;
    if (last?.state !== party.state || last.seq !== party.seq || last.calls !== party.calls) {
      complain(
        `${who} is ${party.state} after ${party.calls} calls as of ${party.seq}, but its last event says ${last?.state} after ${last?.calls} as of ${last?.seq}`,
      );
    }
    const count = (type: string) => own.filter((event) => event.type === type).length;
    if (count('party.joined') !== 1) complain(`${who} joined ${count('party.joined')} times`);
    if (count('party.called') !== party.calls) {
      complain(`${who} says ${party.calls} calls, and has ${count('party.called')} events of one`);
    }
    const acknowledged = ledger.moves.get(party.ticket) ?? {};
    for (const [move, { event }] of Object.entries(partyMoves)) {
      const done = own.filter(
        ({ type, data }) => type === event && data.actor.kind !== 'system',
      ).length;
      const told = acknowledged[move as PartyMove] ?? 0;
      if (done !== told) complain(`${who}: ${move} was done ${done} times, acknowledged ${told}`);
    }
  }
  for (const partyId of eventsOf.keys()) {
    if (partyId !== null && !seen.has(partyId))
      complain(`party ${partyId} has events, but is not listed`);
  }
}

/** Who was told of its place before another even asked stands before that one; the list is by lane, then by joining. */
function checkOrder(
  ledger: Ledger,
  { queueId, parties, events }: QueueRecords,
  complain: Complain,
): void {
  const byId = new Map(parties.map((party) => [party.id, party]));
  const joined = events.filter(({ type }) => type === 'party.joined');
  const asAcknowledged = joined.flatMap(({ partyId }) => {
    const party = byId.get(partyId ?? '');
    return ledger.parties.get(party?.ticket ?? '') ?? [];
  });
  let earliest: AcknowledgedParty | undefined;
  for (const party of asAcknowledged.toReversed()) {
    if (earliest !== undefined && earliest.acknowledgedAt < party.askedAt) {
      complain(`queue ${queueId}: a party stands before one that had joined when it asked`);
    }
    if (earliest === undefined || party.acknowledgedAt < earliest.acknowledgedAt) earliest = party;
  }

  const joinedAt = new Map(joined.map(({ partyId, seq }) => [partyId, seq]));
  const waiting = parties.filter(({ state }) => state === 'waiting');
  const inOrder = waiting.toSorted(
    (a, b) =>
      lanes.indexOf(a.lane) - lanes.indexOf(b.lane) ||
      (joinedAt.get(a.id) ?? 0) - (joinedAt.get(b.id) ?? 0),
  );
  if (waiting.some(({ id }, index) => id !== inOrder[index]?.id)) {
    complain(`queue ${queueId} is not listed in the order of joining`);
  }
}

/** Redis tells every guest what MySQL says. */
async function checkPositions(
  { caller }: CheckOptions,
  { parties }: QueueRecords,
  complain: Complain,
): Promise<void> {
  const waiting = parties.filter(({ state }) => state === 'waiting');
  const ranks = new Map(waiting.map(({ id }, index) => [id, index + 1]));
  for (const { id, ticket, state } of parties) {
    const { answer } = await caller.call(getPosition, { params: { ticket } });
    if (!answer.ok) {
      complain(`party ${id} is told ${answer.status} instead of its place`);
      continue;
    }
    const told = answer.body;
    const position = ranks.get(id) ?? null;
    const isRight =
      told.state === state &&
      told.position === position &&
      told.ahead === (position === null ? null : position - 1) &&
      (position === null || told.waiting === waiting.length);
    if (isRight) continue;
    complain(
      `party ${id} is told ${told.state} ${told.position} of ${told.waiting}, and is ${state} ${position} of ${waiting.length}`,
    );
  }
}
