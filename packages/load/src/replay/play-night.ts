import { setTimeout as delay } from 'node:timers/promises';
import { confirmComing, joinQueue, leaveQueue } from '@queue-manager/contracts/guests';
import {
  callNext,
  departParty,
  getParty,
  noShowParty,
  type Party,
  seatParty,
} from '@queue-manager/contracts/parties';
import { getQueue, type Queue } from '@queue-manager/contracts/queues';
import { type Caller, succeed } from '../callers/retrying-caller.ts';
import { drawOf, randomOf } from '../random.ts';

const firstNames = [
  ...['Ana', 'Bruno', 'Carla', 'David', 'Eva', 'Filipe', 'Grace', 'Hugo', 'Inês', 'Jonas'],
  ...['Karim', 'Leonor', 'Marta', 'Nuno', 'Olivia', 'Pedro', 'Rita', 'Sofia', 'Tomás', 'Yara'],
];
const lastNames = [
  ...['Almeida', 'Barros', 'Costa', 'Dias', 'Evans', 'Ferreira', 'Gomes', 'Hansen', 'Lima'],
  ...['Martins', 'Novak', 'Okafor', 'Pires', 'Reis', 'Silva', 'Torres', 'Vaz', 'Weber'],
];
const sizes = [1, 2, 2, 2, 2, 3, 4, 4, 5, 6];

/** As many as a line on a screen takes without looking hopeless. */
const waitingMax = 14;
const waitingAtStart = 7;
/** Of ten parties. */
const leavers = 1;
const missing = 1;
/** Of guests that the night did not make: somebody who tries the product. */
const visitorCheckSeconds = 3;

type Night = {
  /** Without a token: what guests do. */
  guest: Caller;
  staff: Caller;
  queue: Queue;
  /** Multiple of real time. */
  speed: number;
  signal: AbortSignal;
  say(line: string): void;
};

/**
 * Plays guests and a host in a queue until the signal aborts: guests join, leave and come when they are called; the host
 * calls, seats and sees them off. A guest of somebody else is called in its turn, and seated once it has confirmed.
 */
export async function playNight({ guest, staff, queue, speed, signal, say }: Night): Promise<void> {
  const random = randomOf(`night of ${Date.now()}`);
  const between = (low: number, high: number) => low + random() * (high - low);
  const isOneOfTen = (of: number) => random() * 10 < of;
  const nameOf = { first: drawOf(firstNames, random), last: drawOf(lastNames, random) };
  const sizeOf = drawOf(sizes, random);
  /** Tickets of the guests that this night makes, by the number of their party. */
  const tickets = new Map<number, string>();
  const due: { atMs: number; act: () => Promise<void> }[] = [];
  const after = (seconds: number, act: () => Promise<void>) => {
    due.push({ atMs: performance.now() + (seconds * 1_000) / speed, act });
  };
  const params = { queueId: queue.id };

  async function join(): Promise<void> {
    const name = `${nameOf.first()} ${nameOf.last()}`;
    const size = Math.min(sizeOf(), queue.maxPartySize);
    const { answer } = await guest.call(joinQueue, {
      params: { joinCode: queue.joinCode },
      body: { name, size },
    });
    if (!answer.ok) return;
    const { number, ticket } = answer.body;
    tickets.set(number, ticket);
    say(`${name} joins, ${size} ${size === 1 ? 'person' : 'people'}: number ${number}`);
    if (isOneOfTen(leavers)) {
      after(between(40, 150), async () => {
        const left = await guest.call(leaveQueue, { params: { ticket } });
        if (left.answer.ok) say(`Number ${number} leaves the line`);
      });
    }
  }

  async function arrive(): Promise<void> {
    const { waiting } = await succeed(staff, getQueue, { params });
    if (waiting < waitingMax) await join();
    after(between(5, 20), arrive);
  }

  async function call(): Promise<void> {
    const { answer } = await staff.call(callNext, { params });
    if (answer.ok) {
      const party = answer.body;
      say(`Number ${party.number} is called`);
      const ticket = tickets.get(party.number);
      if (ticket === undefined) await awaitVisitor(party);
      else if (isOneOfTen(missing)) after(40, () => end(noShowParty, party, 'is missed'));
      else after(between(3, 12), () => confirm(party, ticket));
    }
    after(between(8, 20), call);
  }

  async function confirm(party: Party, ticket: string): Promise<void> {
    await guest.call(confirmComing, { params: { ticket } });
    after(between(6, 20), () => seat(party));
  }

  async function awaitVisitor(party: Party): Promise<void> {
    const { state, confirmedAt } = await succeed(staff, getParty, {
      params: { partyId: party.id },
    });
    if (state !== 'called') return;
    if (confirmedAt === null) after(visitorCheckSeconds, () => awaitVisitor(party));
    else after(8, () => seat(party));
  }

  async function seat(party: Party): Promise<void> {
    await end(seatParty, party, 'is seated');
    after(between(200, 600), () => end(departParty, party, 'goes home'));
  }

  async function end(
    move: typeof seatParty | typeof departParty | typeof noShowParty,
    { id, number }: Party,
    what: string,
  ): Promise<void> {
    // A host may have been faster.
    const { answer } = await staff.call(move, { params: { partyId: id } });
    if (answer.ok) say(`Number ${number} ${what}`);
  }

  const { waiting } = await succeed(staff, getQueue, { params });
  for (let count = waiting; count < waitingAtStart; count += 1) await join();
  after(0, arrive);
  after(5, call);
  for (;;) {
    due.sort((one, other) => one.atMs - other.atMs);
    const next = due.shift();
    if (next === undefined) return;
    await delay(Math.max(0, next.atMs - performance.now()), undefined, { signal });
    await next.act();
  }
}
