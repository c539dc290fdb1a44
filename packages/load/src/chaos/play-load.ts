import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, CallOptions } from '@queue-manager/client/client';
import type { Contract } from '@queue-manager/contracts/contract';
import { joinQueue, leaveQueue } from '@queue-manager/contracts/guests';
import {
  addParty,
  callNext,
  callParty,
  type Lane,
  noShowParty,
  type Party,
  removeParty,
  seatParty,
} from '@queue-manager/contracts/parties';
import type { PartyMove } from '@queue-manager/contracts/party-moves';
import { getPosition } from '@queue-manager/contracts/positions';
import { problemTypeBase } from '@queue-manager/contracts/problems';
import type { Queue } from '@queue-manager/contracts/queues';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import { mailsTo, tokenIn } from '@queue-manager/local-stack/inbox';
import type { Caller } from '../callers/retrying-caller.ts';
import { randomOf } from '../random.ts';
import {
  type AcknowledgedParty,
  type AcknowledgedSignUp,
  type Ledger,
  noteViolation,
} from './ledger.ts';

export interface LoadOptions {
  seed: string;
  queues: Queue[];
  caller: Caller;
  staff: Caller;
  mailUrl: string;
  ledger: Ledger;
  /** Ends the load: what is under way is still finished. */
  stopping: AbortSignal;
  /** Ends everything at once. */
  signal: AbortSignal;
}

/** Pause of one actor between two of its calls; bounds the load, not the speed of the system. */
const pauseMs = { shortest: 10, longest: 250 };
const guests = 4;
const hosts = 5;

/**
 * Plays guests, hosts and newcomers side by side until `stopping`, and resolves when the last of their calls
 * was answered. Each makes its choices from random numbers of its own, so that a seed means the same choices
 * however their calls interleave.
 */
export async function playLoad(options: LoadOptions): Promise<void> {
  await Promise.all([
    ...Array.from({ length: guests }, (_, index) => playGuests(`guests ${index}`, options)),
    ...Array.from({ length: hosts }, (_, index) => playHost(`host ${index}`, options)),
    playNewcomers('newcomers', options),
  ]);
}

/** Guests who join at the door or from the street, look at their place, and sometimes leave. */
async function playGuests(name: string, options: LoadOptions): Promise<void> {
  const { caller, queues, ledger } = options;
  const tickets: string[] = [];
  await act(name, options, async ({ random, pick }) => {
    const leaver = random() < 0.2 ? takeOne(tickets, random) : undefined;
    if (leaver !== undefined) {
      const answer = await attempt(options, leaveQueue, { params: { ticket: leaver } });
      if (answer?.ok) noteMove(ledger, leaver, 'leave');
      return;
    }
    const queue = pick(queues);
    const email = random() < 0.25 ? guestEmail() : null;
    const askedAt = performance.now();
    const answer = await attempt(options, joinQueue, {
      params: { joinCode: queue.joinCode },
      body: { name: `Guest of ${name}`, size: 1 + Math.floor(random() * 6), email },
    });
    if (!answer?.ok) return;
    const { ticket } = answer.body;
    noteJoin(ledger, { ticket, queueId: queue.id, lane: 'regular', email, askedAt });
    tickets.push(ticket);
    const look = await caller.call(getPosition, { params: { ticket } });
    if (!look.answer.ok) {
      noteViolation(
        ledger,
        `a guest who had joined was told ${look.answer.status} instead of a place`,
      );
    }
  });
}

/** A host who writes guests down, calls them in and out of turn, seats them, or waits for them in vain. */
async function playHost(name: string, options: LoadOptions): Promise<void> {
  const { queues, ledger } = options;
  const waiting: Party[] = [];
  const called: Party[] = [];
  const host: Options = { ...options, caller: options.staff };

  const move = async (
    contract: typeof callParty | typeof seatParty | typeof noShowParty | typeof removeParty,
    kind: PartyMove,
    party: Party | undefined,
  ) => {
    if (party === undefined) return;
    const answer = await attempt(host, contract, { params: { partyId: party.id } });
    if (!answer?.ok) return;
    noteMove(ledger, party.ticket, kind);
    if (kind === 'call') called.push(answer.body);
  };

  await act(name, options, async ({ random, pick }) => {
    const queue = pick(queues);
    const choice = random();
    if (choice < 0.25) {
      const lane: Lane = random() < 0.15 ? 'priority' : 'regular';
      const email = random() < 0.25 ? guestEmail() : null;
      const askedAt = performance.now();
      const answer = await attempt(host, addParty, {
        params: { queueId: queue.id },
        body: { name: `Guest of ${name}`, size: 1 + Math.floor(random() * 6), lane, email },
      });
      if (!answer?.ok) return;
      const { ticket } = answer.body;
      noteJoin(ledger, { ticket, queueId: queue.id, lane, email, askedAt });
      waiting.push(answer.body);
    } else if (choice < 0.6) {
      const maxSize = random() < 0.3 ? 1 + Math.floor(random() * 6) : undefined;
      const answer = await attempt(host, callNext, {
        params: { queueId: queue.id },
        body: maxSize === undefined ? {} : { maxSize },
      });
      if (!answer?.ok) return;
      noteMove(ledger, answer.body.ticket, 'call');
      called.push(answer.body);
    } else if (choice < 0.8) await move(seatParty, 'seat', takeOne(called, random));
    else if (choice < 0.88) await move(noShowParty, 'noShow', takeOne(called, random));
    else if (choice < 0.91) await move(callParty, 'call', takeOne(called, random));
    else if (choice < 0.97) await move(callParty, 'call', takeOne(waiting, random));
    else await move(removeParty, 'remove', takeOne(waiting, random));
  });
}

/** People who ask for an account; half of them follow the link in their mail while the trouble lasts. */
async function playNewcomers(name: string, options: LoadOptions): Promise<void> {
  const { ledger } = options;
  await act(name, options, async ({ random }) => {
    const unverified = ledger.signUps.filter(({ isVerified }) => !isVerified);
    const isFollowing = random() < 0.5 && unverified.length > 0;
    if (isFollowing) {
      await followLink(options, unverified[0] as AcknowledgedSignUp);
      return;
    }
    const email = `newcomer-${randomBytes(8).toString('hex')}@example.com`;
    const password = randomBytes(18).toString('base64url');
    const answer = await attempt(options, signUp, {
      body: { name: 'Newcomer', email, password },
    });
    if (answer?.ok) {
      const acknowledgedAtMs = ledger.elapsedMs();
      ledger.signUps.push({ email, password, isVerified: false, acknowledgedAtMs });
    }
    // Hashing passwords costs enough without more of them.
    await delay(2_000, undefined, { signal: options.stopping }).catch(() => {});
  });
}

/** Follows the link in a newcomer's mail, if the mail is there. */
export async function followLink(
  options: Pick<LoadOptions, 'mailUrl' | 'caller' | 'ledger' | 'signal'>,
  account: AcknowledgedSignUp,
): Promise<void> {
  // The inbox is one of those that are killed.
  const mails = await mailsTo(options.mailUrl, account.email, options.signal).catch(() => []);
  const token = mails.map(tokenIn).find((found) => found !== undefined);
  if (token === undefined) return;
  const answer = await attempt(options, verifyUser, { body: { token } });
  if (answer?.ok) account.isVerified = true;
}

type Choices = { random: () => number; pick: <T>(from: readonly T[]) => T };

async function act(
  name: string,
  { seed, stopping, signal }: LoadOptions,
  turn: (choices: Choices) => Promise<void>,
): Promise<void> {
  const random = randomOf(`${seed} ${name}`);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  while (!stopping.aborted) {
    await turn({ random, pick });
    const ms = pauseMs.shortest + random() * (pauseMs.longest - pauseMs.shortest);
    await delay(ms, undefined, { signal: AbortSignal.any([stopping, signal]) }).catch(() => {});
    signal.throwIfAborted();
  }
}

function takeOne<T>(from: T[], random: () => number): T | undefined {
  return from.splice(Math.floor(random() * from.length), 1)[0];
}

/** Every guest has an address, so that mails are told apart by it. */
const guestEmail = () => `guest-${randomBytes(8).toString('hex')}@example.com`;

type Options = Pick<LoadOptions, 'ledger'> & { caller: Caller };

/** Refusals that say no more than that somebody else was faster. */
const harmless = ['invalid-transition', 'nobody-waiting'].map((code) => problemTypeBase + code);
const internalErrorsMax = 5;

/**
 * Calls until the system has answered: undefined when it answered what it never may, which the ledger then
 * holds. An internal error is asked again with the same key, to learn what came of the call.
 */
async function attempt<const C extends Contract>(
  { caller, ledger }: Options,
  contract: C,
  options: CallOptions<C>,
): Promise<Answer<C> | undefined> {
  const idempotencyKey = randomUUID();
  for (let errors = 0; errors < internalErrorsMax; errors++) {
    const { answer } = await caller.call(contract, { ...options, idempotencyKey });
    if (answer.ok) return answer;
    if (harmless.includes(answer.problem?.type ?? '')) {
      ledger.refused++;
      return answer;
    }
    const said = answer.problem?.detail ?? 'no problem+json';
    noteViolation(ledger, `${contract.operationId} was answered with ${answer.status}: ${said}`);
    if (answer.status < 500) break;
  }
  return undefined;
}

function noteJoin(ledger: Ledger, party: Omit<AcknowledgedParty, 'acknowledgedAt'>): void {
  if (ledger.parties.has(party.ticket)) {
    noteViolation(ledger, 'two joins were acknowledged with one ticket');
  }
  ledger.parties.set(party.ticket, { ...party, acknowledgedAt: performance.now() });
}

function noteMove(ledger: Ledger, ticket: string, move: PartyMove): void {
  const moves = ledger.moves.get(ticket) ?? {};
  moves[move] = (moves[move] ?? 0) + 1;
  ledger.moves.set(ticket, moves);
}
