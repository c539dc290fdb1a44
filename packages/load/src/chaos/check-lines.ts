import { everyItem } from '@queue-manager/client/client';
import { lanes, listParties, type Party, partyStates } from '@queue-manager/contracts/parties';
import { partyMoves } from '@queue-manager/contracts/party-moves';
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

type Report = (what: string) => void;

/** The records of one queue of an idle system. */
interface QueueRecords {
  queueId: string;
  parties: Party[];
  events: EventRecord[];
}

/**
 * Compares an idle system with what it acknowledged.
 *
 * @returns violations without names, addresses or tickets.
 */
export async function checkLines(
  options: CheckOptions,
): Promise<{ parties: Party[]; violations: Violation[] }> {
  const violations: Violation[] = [];
  const all: Party[] = [];
  const report: Report = (what) => violations.push({ what, atMs: null });
  for (const queueId of options.queueIds) {
    const records: QueueRecords = {
      queueId,
      parties: await readParties(options, queueId),
      events: await options.inside.events(queueId),
    };
    all.push(...records.parties);
    await checkSeq(options, records, report);
    checkParties(options.ledger, records, report);
    checkOrder(options.ledger, records, report);
    await checkPositions(options, records, report);
  }
  const known = new Set(all.map(({ ticket }) => ticket));
  for (const ticket of options.ledger.parties.keys()) {
    if (!known.has(ticket)) report('a party whose join was acknowledged is not listed');
  }
  return { parties: all, violations };
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

/** Events are numbered without gaps, and the counters of the queue are right. */
async function checkSeq(
  { staff }: CheckOptions,
  { queueId, parties, events }: QueueRecords,
  report: Report,
): Promise<void> {
  for (const [index, { seq }] of events.entries()) {
    if (seq !== index + 1) {
      report(`the event after ${index} of queue ${queueId} has the number ${seq}`);
      break;
    }
  }
  const queue = await succeed(staff, getQueue, { params: { queueId } });
  for (const state of ['waiting', 'called'] as const) {
    const count = parties.filter((party) => party.state === state).length;
    if (queue[state] !== count) {
      report(`queue ${queueId} counts ${queue[state]} ${state}, and lists ${count}`);
    }
  }
}

/** Each party exists once, agrees with its events, and has made exactly the acknowledged moves. */
function checkParties(ledger: Ledger, { parties, events }: QueueRecords, report: Report): void {
  const eventsOf = Map.groupBy(events, ({ partyId }) => partyId);
  const seen = new Set<string>();
  for (const party of parties) {
    const name = `party ${party.id}`;
    if (seen.has(party.id)) report(`${name} is listed twice`);
    seen.add(party.id);
    if (!ledger.parties.has(party.ticket)) report(`${name} comes from no acknowledged join`);

    const own = eventsOf.get(party.id) ?? [];
    const last = own.at(-1)?.data.party;
    if (last?.state !== party.state || last.seq !== party.seq || last.calls !== party.calls) {
      report(
        `${name} is ${party.state} after ${party.calls} calls as of ${party.seq}, but its last event says ${last?.state} after ${last?.calls} as of ${last?.seq}`,
      );
    }
    const count = (type: string) => own.filter((event) => event.type === type).length;
    if (count('party.joined') !== 1) report(`${name} joined ${count('party.joined')} times`);
    const undoneCalls = own.filter(({ data }) => data.undone?.type === 'party.called').length;
    const calls = count('party.called') - undoneCalls;
    if (calls !== party.calls) {
      report(`${name} says ${party.calls} calls, and has ${calls} events of one`);
    }
    const acknowledged = ledger.moves.get(party.ticket) ?? {};
    const kinds = { ...partyMoves, undo: { event: 'party.undone' } };
    for (const [move, { event }] of Object.entries(kinds)) {
      const done = own.filter(
        ({ type, data }) => type === event && data.actor.kind !== 'system',
      ).length;
      const expected = acknowledged[move as keyof typeof kinds] ?? 0;
      if (done !== expected)
        report(`${name}: ${move} was done ${done} times, acknowledged ${expected}`);
    }
  }
  for (const partyId of eventsOf.keys()) {
    if (partyId !== null && !seen.has(partyId))
      report(`party ${partyId} has events, but is not listed`);
  }
}

/** A party acknowledged before another asked to join stands before it. The list is by lane, then by joining. */
function checkOrder(
  ledger: Ledger,
  { queueId, parties, events }: QueueRecords,
  report: Report,
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
      report(`queue ${queueId}: a party stands before one that had joined before it asked`);
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
    report(`queue ${queueId} is not listed in the order of joining`);
  }
}

/** The positions from Redis agree with MySQL. */
async function checkPositions(
  { caller }: CheckOptions,
  { parties }: QueueRecords,
  report: Report,
): Promise<void> {
  const waiting = parties.filter(({ state }) => state === 'waiting');
  const ranks = new Map(waiting.map(({ id }, index) => [id, index + 1]));
  for (const { id, ticket, state } of parties) {
    const { answer } = await caller.call(getPosition, { params: { ticket } });
    if (!answer.ok) {
      report(`party ${id} gets ${answer.status} instead of its position`);
      continue;
    }
    const shown = answer.body;
    const position = ranks.get(id) ?? null;
    const isRight =
      shown.state === state &&
      shown.position === position &&
      shown.ahead === (position === null ? null : position - 1) &&
      (position === null || shown.waiting === waiting.length);
    if (isRight) continue;
    report(
      `party ${id} reads ${shown.state} ${shown.position} of ${shown.waiting}, but is ${state} ${position} of ${waiting.length}`,
    );
  }
}
