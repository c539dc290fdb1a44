import { setTimeout as delay } from 'node:timers/promises';
import { confirmComing, joinQueue, leaveQueue } from '@queue-manager/contracts/guests';
import { callNext, seatParty } from '@queue-manager/contracts/parties';
import { createQueue, type Queue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { requireProgram } from '@queue-manager/local-stack/stores/system-packages';
import { type Browser, chromium } from 'playwright-core';
import { type Caller, createCaller, succeed } from '../callers/retrying-caller.ts';
import { enlistHost, signIn, signUpAccount } from '../callers/staff-account.ts';
import { randomOf } from '../random.ts';
import { orderEvents, type TraceDay } from '../trace/trace.ts';
import {
  type Accounts,
  type Act,
  accountsOf,
  awaitSent,
  disagreements,
  theGuest,
  unsent,
  type Venue,
} from './check-offline-night.ts';
import { type KeptPress, Stand } from './stand.ts';

export type OfflineResult = Accounts & {
  day: string;
  arrivals: number;
  /** By phone, and by a host at a stand. */
  joined: { byPhone: number; atStand: number };
  presses: { total: number; withoutNetwork: number; byKind: Record<string, number> };
  /** How many presses waited for the network when it came back, and how long it took to send them. */
  sent: { presses: number; ms: number };
  /** Presses that were shown as refused, with those behind them; of these, how many the host did anyway. */
  refused: number;
  doneAnyway: number;
  /** What server, model and screens had differently, after the outage and in the end. */
  disagreements: string[];
};

export type OfflineNight = {
  gatewayUrl: string;
  /** The inbox's HTTP API. */
  mailUrl: string;
  trace: TraceDay;
  /** Multiple of real time. */
  speed: number;
  signal: AbortSignal;
  onProgress(done: number, total: number): void;
  note(text: string | null): void;
};

const minute = 60;
const outageSeconds = 30 * minute;
/** The maximum, so that no call becomes a no-show by itself. */
const callGraceSeconds = 24 * 60 * 60;
/** Of guests: who comes to the desk to join, and who of the others says that they are coming. */
const walkIns = 0.4;
const confirming = 0.6;
/** Of calls: pressed at the second stand, by mistake, and not answered. */
const elsewhere = 0.1;
const mistaken = 0.06;
const missing = 0.12;
/** Of guests: with a note, and with somebody who only comes for a drink. */
const noted = 0.15;
const drinkers = 0.3;

/** Whether any check failed. */
export function hasFailed({ lost, doubled, unexplained, disagreements }: OfflineResult): boolean {
  return lost + doubled + unexplained + disagreements.length > 0;
}

/**
 * Plays a day of a trace at two stands of a venue, in Chromium. In the middle of the night both lose their network for
 * half an hour: presses go on, guests join and leave by their phones, and the owner calls two guests from home.
 *
 * @throws StackError when the setup is refused, or the system stays unavailable for too long.
 */
export async function playOfflineNight(options: OfflineNight): Promise<OfflineResult> {
  const { gatewayUrl, mailUrl, trace, signal, note } = options;
  const caller = createCaller({ gatewayUrl, signal, note });
  const inbox = { mailUrl, signal };
  const [ownerAccount, ...hosts] = await Promise.all([
    signUpAccount(caller, inbox, 'Olga Owner'),
    signUpAccount(caller, inbox, 'Rui Costa'),
    signUpAccount(caller, inbox, 'Eva Melo'),
  ]);
  const owner = await signIn(caller, ownerAccount);
  const { id: venueId } = await succeed(owner, createVenue, {
    body: { name: `Offline night of ${trace.day}`, timezone: 'UTC' },
  });
  const queue = await succeed(owner, createQueue, {
    params: { venueId },
    body: { name: 'Tables', callGraceSeconds },
  });
  for (const host of hosts) {
    const members = { owner, host: await signIn(caller, host), email: host.email };
    await enlistHost(members, venueId, inbox);
  }
  const browser = await chromium.launch({
    executablePath: requireProgram('chromium', process.env),
    // Also for root, in a container with little shared memory.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  const end = () => void browser.close();
  signal.addEventListener('abort', end, { once: true });
  try {
    const stands = await openStands(browser, gatewayUrl, venueId, hosts);
    const venue = { owner, venueId, queueId: queue.id, stands };
    return await new OfflineNightPlay(options, caller, ownerAccount.id, queue, venue).play();
  } finally {
    signal.removeEventListener('abort', end);
    await browser.close();
  }
}

function openStands(
  browser: Browser,
  gatewayUrl: string,
  venueId: string,
  hosts: readonly { id: string; email: string; password: string }[],
): Promise<Stand[]> {
  return Promise.all(
    hosts.map(({ id, ...credentials }) =>
      Stand.open(browser, { gatewayUrl, venueId, userId: id, credentials }),
    ),
  );
}

type Guest = {
  name: string;
  size: number;
  isWalkIn: boolean;
  /** Of a guest who joins by phone, once they have joined. */
  ticket: Promise<string | null>;
};

class OfflineNightPlay {
  readonly #options: OfflineNight;
  /** Without a token: what guests do. */
  readonly #guest: Caller;
  readonly #ownerId: string;
  readonly #queue: Queue;
  readonly #venue: Venue;
  /** Calls, seats and sees off; adds, and stands at the door. */
  readonly #desk: Stand;
  readonly #door: Stand;
  readonly #random: () => number;
  readonly #due: { at: number; act: () => Promise<void> }[] = [];
  /** What guests do meanwhile. */
  readonly #running = new Set<Promise<void>>();
  readonly #guests = new Map<number, Guest>();
  readonly #acts: Act[] = [];
  readonly #refused = new Map<Stand, KeptPress[]>();
  readonly #disagreements: string[] = [];
  /** Tables that are free for somebody. */
  #free = 0;
  #shownAsRefused = 0;
  #doneAnyway = 0;
  #sent = { presses: 0, ms: 0 };

  constructor(options: OfflineNight, guest: Caller, ownerId: string, queue: Queue, venue: Venue) {
    this.#options = options;
    this.#guest = guest;
    this.#ownerId = ownerId;
    this.#queue = queue;
    this.#venue = venue;
    [this.#desk, this.#door] = venue.stands as [Stand, Stand];
    this.#random = randomOf(`offline night of ${options.trace.day}`);
  }

  async play(): Promise<OfflineResult> {
    const { trace, speed, signal, onProgress } = this.#options;
    const events = orderEvents(trace.arrivals);
    const firstAt = events[0]?.atSeconds ?? 0;
    for (const [index, { kind, atSeconds: at, arrival }] of events.entries()) {
      this.#at(at, async () => {
        onProgress(index, events.length);
        if (kind === 'join') return this.#join(arrival, at);
        if (kind === 'leave') return this.#leave(arrival);
        this.#free += 1;
        await this.#fillTables(at);
      });
    }
    const middle = events[Math.floor(events.length / 2)]?.atSeconds ?? 0;
    this.#planOutage(middle - outageSeconds / 2);

    const startedAt = performance.now();
    const lastAt = events.at(-1)?.atSeconds ?? 0;
    for (let next = this.#due.shift(); next !== undefined; next = this.#due.shift()) {
      // Nobody has to wait for the meals of the last guests.
      const dueMs = ((Math.min(next.at, lastAt) - firstAt) * 1_000) / speed;
      const earlyMs = startedAt + dueMs - performance.now();
      if (earlyMs > 0) await delay(earlyMs, undefined, { signal });
      signal.throwIfAborted();
      await next.act();
    }
    await this.#closeUp();
    return this.#result();
  }

  /** Plans what happens at a second of the night. */
  #at(at: number, act: () => Promise<void>): void {
    const index = this.#due.findLastIndex((other) => other.at <= at);
    this.#due.splice(index + 1, 0, { at, act });
  }

  /** Guests do not wait for the hosts. */
  #meanwhile(act: () => Promise<void>): void {
    const running = act().finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #isOneOf(share: number): boolean {
    return this.#random() < share;
  }

  #between(low: number, high: number): number {
    return low + this.#random() * (high - low);
  }

  // The night

  async #join(arrival: number, at: number): Promise<void> {
    const name = `Guest ${String(arrival + 1).padStart(3, '0')}`;
    const size = 1 + Math.floor(this.#random() * Math.min(6, this.#queue.maxPartySize));
    const isWalkIn = this.#isOneOf(walkIns);
    const { promise: ticket, resolve } = Promise.withResolvers<string | null>();
    this.#guests.set(arrival, { name, size, isWalkIn, ticket });
    if (isWalkIn) {
      resolve(null);
      await this.#door.add(name, size);
    } else {
      this.#meanwhile(async () => {
        const { answer } = await this.#guest.call(joinQueue, {
          params: { joinCode: this.#queue.joinCode },
          body: { name, size },
        });
        if (answer.ok) this.#acts.push({ by: theGuest, kind: 'add', name });
        resolve(answer.ok ? answer.body.ticket : null);
      });
    }
    if (this.#isOneOf(noted)) {
      this.#at(at + 2 * minute, async () => void (await this.#desk.note(name, `Note on ${name}`)));
    }
    if (this.#isOneOf(drinkers)) {
      await this.#door.count('in');
      this.#at(at + 20 * minute, async () => void (await this.#door.count('out')));
    }
    await this.#fillTables(at);
  }

  async #leave(arrival: number): Promise<void> {
    const guest = this.#guests.get(arrival);
    if (guest?.isWalkIn) await this.#door.remove(guest.name);
    else if (guest !== undefined) this.#byTicket(guest, leaveQueue, 'leave');
  }

  #byTicket(
    { name, ticket }: Guest,
    route: typeof leaveQueue | typeof confirmComing,
    kind: string,
  ): void {
    this.#meanwhile(async () => {
      const known = await ticket;
      if (known === null) return;
      const { answer } = await this.#guest.call(route, { params: { ticket: known } });
      if (answer.ok) this.#acts.push({ by: theGuest, kind, name });
    });
  }

  async #fillTables(at: number): Promise<void> {
    while (this.#free > 0) {
      const stand = this.#isOneOf(elsewhere) ? this.#door : this.#desk;
      const name = await stand.callNext();
      if (name === null) return;
      if (this.#isOneOf(mistaken) && (await stand.undo()) !== null) return;
      this.#free -= 1;
      this.#expect(name, stand, at);
    }
  }

  /** A guest who was called comes, or does not. */
  #expect(name: string, stand: Stand, at: number): void {
    if (this.#isOneOf(missing)) {
      this.#at(at + 6 * minute, async () => void (await stand.press('No-show', name)));
      return;
    }
    const guest = [...this.#guests.values()].find((other) => other.name === name);
    if (guest !== undefined && this.#isOneOf(confirming)) {
      this.#at(at + minute, async () => this.#byTicket(guest, confirmComing, 'confirm'));
    }
    this.#at(at + this.#between(2, 4) * minute, async () => {
      if ((await stand.press('Seat', name)) === null) return;
      this.#at(at + this.#between(40, 90) * minute, async () => {
        await this.#desk.press('Has left', name);
      });
    });
  }

  // The outage

  #planOutage(from: number): void {
    const { stands } = this.#venue;
    this.#at(from, async () => {
      this.#options.note('no network at the stands');
      for (const stand of stands) await stand.setOffline(true);
    });
    for (const minutes of [8, 20]) {
      this.#at(from + minutes * minute, async () => this.#meanwhile(() => this.#callFromHome()));
    }
    this.#at(from + outageSeconds / 2, () => this.#desk.reload());
    this.#at(from + outageSeconds, () => this.#endOutage(from + outageSeconds));
  }

  /** The owner has network: seats whom the server has first. */
  async #callFromHome(): Promise<void> {
    const { owner } = this.#venue;
    const { answer } = await owner.call(callNext, { params: { queueId: this.#queue.id } });
    if (!answer.ok) return;
    const { id: partyId, name } = answer.body;
    this.#acts.push({ by: this.#ownerId, kind: 'call', name: name ?? '' });
    const seated = await owner.call(seatParty, { params: { partyId } });
    if (seated.answer.ok) this.#acts.push({ by: this.#ownerId, kind: 'seat', name: name ?? '' });
  }

  async #endOutage(at: number): Promise<void> {
    const { stands } = this.#venue;
    const { signal, note } = this.#options;
    await Promise.all(this.#running);
    for (const stand of stands) {
      this.#sent.presses += (await stand.kept()).length;
      if (!(await stand.saysOffline())) this.#disagreements.push('no stand says it is offline');
    }
    const startedAt = performance.now();
    for (const stand of stands) await stand.setOffline(false);
    await awaitSent(stands, signal);
    this.#sent.ms = Math.round(performance.now() - startedAt);
    note(null);
    await this.#compare();
    for (const stand of stands) await this.#decide(stand);
    // Those whom somebody else has called come, too.
    for (const name of (await this.#desk.shown()).called) this.#expect(name, this.#desk, at);
  }

  /** The host does the first that can be done anyway, and leaves the others as they are. */
  async #decide(stand: Stand): Promise<void> {
    const { signal } = this.#options;
    const shown = await stand.conflicts();
    const kept = await stand.kept();
    if (shown.length !== kept.filter(({ isRefused }) => isRefused).length) {
      this.#disagreements.push(`${shown.length} refused presses on the screen`);
    }
    if (shown.some(({ did, meanwhile }) => did === '' || meanwhile === '')) {
      this.#disagreements.push('a refused press without both versions');
    }
    this.#shownAsRefused += kept.length;
    if (await stand.doAnyway()) {
      this.#doneAnyway += 1;
      await awaitSent([stand], signal);
    }
    for (;;) {
      const dropped = await stand.leaveIt();
      if (dropped.length === 0) break;
      this.#refused.set(stand, [...(this.#refused.get(stand) ?? []), ...dropped]);
    }
  }

  async #compare(): Promise<void> {
    this.#disagreements.push(...(await disagreements(this.#venue, this.#options.signal)));
  }

  // The end

  /** The last guests are seen off. */
  async #closeUp(): Promise<void> {
    const { signal } = this.#options;
    await Promise.all(this.#running);
    await awaitSent(this.#venue.stands, signal);
    const { waiting, called, seated } = await this.#desk.shown();
    for (const name of waiting) await this.#desk.remove(name);
    for (const name of called) await this.#desk.press('No-show', name);
    for (const name of seated) await this.#desk.press('Has left', name);
    await awaitSent(this.#venue.stands, signal);
    await this.#compare();
  }

  async #result(): Promise<OfflineResult> {
    const { trace } = this.#options;
    const { stands } = this.#venue;
    for (const stand of stands) {
      const left = await stand.kept();
      this.#refused.set(stand, [...(this.#refused.get(stand) ?? []), ...left]);
      this.#shownAsRefused += left.length;
      if (unsent(left).length > 0) this.#disagreements.push('a press was never sent');
    }
    const presses = stands.flatMap(({ pressed }) => pressed);
    const byKind = Object.fromEntries(
      [...Map.groupBy(presses, ({ kind }) => kind)].map(([kind, of]) => [kind, of.length]),
    );
    const accounts = await accountsOf(this.#venue, this.#acts, this.#refused);
    return {
      day: trace.day,
      arrivals: trace.arrivals.length,
      joined: {
        byPhone: this.#acts.filter(({ kind }) => kind === 'add').length,
        atStand: byKind.add ?? 0,
      },
      presses: {
        total: presses.length,
        withoutNetwork: presses.filter(({ isOffline }) => isOffline).length,
        byKind,
      },
      sent: this.#sent,
      refused: this.#shownAsRefused,
      doneAnyway: this.#doneAnyway,
      disagreements: this.#disagreements,
      ...accounts,
    };
  }
}
