import { setTimeout as delay } from 'node:timers/promises';
import { everyItem } from '@queue-manager/client/client';
import { type HistoryEvent, listQueueEvents } from '@queue-manager/contracts/history';
import { getOccupancy, listOccupancyChanges } from '@queue-manager/contracts/occupancy';
import {
  listParties,
  type Party,
  type PartyState,
  partyStates,
} from '@queue-manager/contracts/parties';
import { partyMoves } from '@queue-manager/contracts/party-moves';
import { limits } from '@queue-manager/contracts/values';
import { type Caller, succeed } from '../callers/retrying-caller.ts';
import type { KeptPress, Shown, Stand } from './stand.ts';

/** Something that was done to a party and acknowledged, by an account or by the guest. */
export type Act = { by: string; kind: string; name: string };

/** By whom guests act; accounts go by their id. */
export const theGuest = 'guest';

export type Venue = { owner: Caller; venueId: string; queueId: string; stands: readonly Stand[] };

/** What became of the presses and of what guests did, by the events of the server. */
export type Accounts = {
  events: number;
  /** Neither an event nor shown as refused, and not taken back. */
  lost: number;
  /** More events than presses. */
  doubled: number;
  /** Events that nobody has caused, and parties whose events do not lead to their state. */
  unexplained: number;
  /** Presses that were taken back before they were sent. */
  takenBack: number;
  /** What is lost, doubled or unexplained, in words. */
  findings: string[];
};

const agreeMsMax = 30_000;

const kindOf: Record<string, string> = {
  'party.joined': 'add',
  'party.called': 'call',
  'party.seated': 'seat',
  'party.departed': 'depart',
  'party.no-show': 'noShow',
  'party.removed': 'remove',
  'party.restored': 'restore',
  'party.changed': 'edit',
  'party.undone': 'undo',
  'party.confirmed': 'confirm',
  'party.left': 'leave',
};

type Records = { parties: Party[]; events: HistoryEvent[] };

async function readRecords({ owner, queueId }: Venue): Promise<Records> {
  const params = { queueId };
  const limit = limits.pageSizeMax;
  const events = await Array.fromAsync(
    everyItem<HistoryEvent>((page) =>
      succeed(owner, listQueueEvents, { params, query: { limit, ...page } }),
    ),
  );
  const parties = await Array.fromAsync(
    everyItem<Party>((page) =>
      succeed(owner, listParties, {
        params,
        query: { limit, state: partyStates.join(','), ...page },
      }),
    ),
  );
  return { parties, events };
}

/** Presses that are neither refused nor wait for the decision on one that is. */
export function unsent(kept: readonly KeptPress[]): KeptPress[] {
  const refused = new Set(kept.filter(({ isRefused }) => isRefused).map(({ party }) => party));
  return kept.filter(
    ({ isRefused, party }) => !isRefused && (party === null || !refused.has(party)),
  );
}

/** Waits until the stands have sent everything. */
export async function awaitSent(stands: readonly Stand[], signal: AbortSignal): Promise<void> {
  for (const stand of stands) {
    while (unsent(await stand.kept()).length > 0) await delay(50, undefined, { signal });
  }
}

/**
 * Compares the line of the server, a model that plays its events, and what the screens show, until they agree.
 *
 * @returns what differs in the end.
 */
export async function disagreements(venue: Venue, signal: AbortSignal): Promise<string[]> {
  const deadline = performance.now() + agreeMsMax;
  for (;;) {
    const found = await compare(venue);
    if (found.length === 0 || performance.now() > deadline) return found;
    await delay(100, undefined, { signal });
  }
}

async function compare(venue: Venue): Promise<string[]> {
  const { owner, venueId, stands } = venue;
  const { parties, events } = await readRecords(venue);
  const { occupancy } = await succeed(owner, getOccupancy, { params: { venueId } });
  const ofServer = linesOf(parties);
  const names = new Map(parties.map(({ id, name }) => [id, name ?? '']));
  const found: string[] = [];
  const differs = (whose: string, shown: Shown) => {
    for (const [part, expected] of Object.entries(ofServer) as [keyof Shown, string[]][]) {
      const isOrdered = part === 'waiting';
      const [a, b] = [shown[part], expected].map((list) => (isOrdered ? list : list.toSorted()));
      if (a?.join() !== b?.join()) {
        found.push(`${part}: ${whose} has ${a?.join(', ')}, the server ${b?.join(', ')}`);
      }
    }
  };
  differs('the model', linesOf(model(events, names)));
  for (const [index, stand] of stands.entries()) {
    differs(`stand ${index + 1}`, await stand.shown());
    const inside = await stand.inside();
    if (inside !== occupancy) found.push(`inside: ${inside} on the screen, not ${occupancy}`);
  }
  return found;
}

type Placed = { name: string | null; state: PartyState };

function linesOf(parties: readonly Placed[]): Shown {
  const of = (...states: PartyState[]) =>
    parties.filter(({ state }) => states.includes(state)).map(({ name }) => name ?? '');
  return {
    waiting: of('waiting'),
    called: of('called'),
    seated: of('seated'),
    ended: of('departed', 'no_show', 'left', 'removed'),
  };
}

/** The line by the moves of the contract alone: those that joined first stand first, as nobody was moved. */
function model(events: readonly HistoryEvent[], names: ReadonlyMap<string, string>): Placed[] {
  const joined: { name: string; id: string; at: string; seq: number }[] = [];
  for (const { type, partyId, party, seq } of events) {
    if (type !== 'party.joined' || partyId === null) continue;
    const at = party?.joinedAt ?? '';
    joined.push({ name: names.get(partyId) ?? '', id: partyId, at, seq });
  }
  const states = statesOf(events).states;
  return joined
    .sort((a, b) => a.at.localeCompare(b.at) || a.seq - b.seq)
    .map(({ id, name }) => ({ name, state: states.get(id) as PartyState }));
}

/** Plays the events; an event that no move allows is illegal. */
function statesOf(events: readonly HistoryEvent[]) {
  const moves = Object.values(partyMoves);
  const states = new Map<string, PartyState>();
  /** The state before each event. */
  const before = new Map<number, PartyState | undefined>();
  let illegal = 0;
  for (const { type, partyId, seq, undone } of events) {
    if (partyId === null) continue;
    const state = states.get(partyId);
    before.set(seq, state);
    if (type === 'party.joined' && state === undefined) states.set(partyId, 'waiting');
    else if (type === 'party.undone' && undone != null) {
      states.set(partyId, before.get(undone.seq) ?? 'removed');
    } else if (type !== 'party.changed') {
      const move = moves.find(
        ({ event, from }) => event === type && (from as readonly unknown[]).includes(state),
      );
      if (move === undefined) illegal += 1;
      else states.set(partyId, move.to);
    }
  }
  return { states, illegal };
}

/** Compares everything that was done with the history of the server. */
export async function accountsOf(
  venue: Venue,
  acts: readonly Act[],
  refused: ReadonlyMap<Stand, readonly KeptPress[]>,
): Promise<Accounts> {
  const { owner, venueId, stands } = venue;
  const { parties, events } = await readRecords(venue);
  const names = new Map(parties.map(({ id, name }) => [id, name ?? '']));
  /** By what a screen calls a party whose name it does not know. */
  const byNumber = new Map(parties.map(({ number, name }) => [`No. ${number}`, name ?? '']));
  const { states, illegal } = statesOf(events);
  const accounts: Accounts = {
    events: 0,
    lost: 0,
    doubled: 0,
    unexplained: illegal + parties.filter(({ id, state }) => states.get(id) !== state).length,
    takenBack: 0,
    findings: [],
  };

  /** By who did it and to whom: how often each kind was done, less what has become of it. */
  const open = new Map<string, Map<string, number>>();
  const count = (by: string, name: string | null, kind: string, change: number) => {
    const key = `${by} ${name}`;
    const kinds = open.get(key) ?? new Map<string, number>();
    open.set(key, kinds.set(kind, (kinds.get(kind) ?? 0) + change));
  };
  for (const { by, name, kind } of acts) count(by, name, kind, 1);
  for (const stand of stands) {
    for (const { name, kind } of stand.pressed) {
      count(stand.userId, byNumber.get(name ?? '') ?? name, kind, 1);
    }
    for (const { party, name, kind } of refused.get(stand) ?? []) {
      count(stand.userId, names.get(party ?? '') ?? name, kind, -1);
    }
  }
  for (const { type, partyId, actor } of events) {
    if (partyId === null) continue;
    accounts.events += 1;
    const kind = kindOf[type];
    const by = actor.kind === 'guest' ? theGuest : actor.userId;
    if (kind === undefined || by === undefined) accounts.unexplained += 1;
    else count(by, names.get(partyId) ?? '', kind, -1);
  }
  const changes = everyItem((page) =>
    succeed(owner, listOccupancyChanges, {
      params: { venueId },
      query: { limit: limits.pageSizeMax, ...page },
    }),
  );
  for await (const { partyId, actor } of changes) {
    if (partyId === null) count(actor.userId ?? '', null, 'count', -1);
  }

  for (const [whose, kinds] of open) {
    // A press that was never sent has gone with its undo.
    const takenBack = Math.max(0, kinds.get('undo') ?? 0);
    let missing = -takenBack;
    for (const [kind, left] of kinds) {
      if (left < 0) accounts.doubled -= left;
      else if (kind !== 'undo') missing += left;
    }
    accounts.takenBack += takenBack;
    accounts.lost += Math.abs(missing);
    if (missing !== 0 || [...kinds.values()].some((left) => left < 0)) {
      const left = [...kinds].filter(([, count]) => count !== 0).map((it) => it.join(' '));
      accounts.findings.push(`${whose}: more presses than events: ${left.join(', ')}`);
    }
  }
  return accounts;
}
