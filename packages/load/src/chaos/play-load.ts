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
  undoParty,
} from '@queue-manager/contracts/parties';
import type { PartyMove } from '@queue-manager/contracts/party-moves';
import { getPosition } from '@queue-manager/contracts/positions';
import { problemTypeBase } from '@queue-manager/contracts/problems';
import type { Queue } from '@queue-manager/contracts/queues';
import { login } from '@queue-manager/contracts/tokens';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import { mailsTo, tokenIn } from '@queue-manager/local-stack/inbox';
import type { Caller } from '../callers/retrying-caller.ts';
import { randomOf } from '../random.ts';
import {
  type AcknowledgedParty,
  type AcknowledgedSignUp,
  type Ledger,
  recordViolation,
} from './ledger.ts';

interface LoadOptions {
  seed: string;
  queues: Queue[];
  caller: Caller;
  staff: Caller;
  mailUrl: string;
  ledger: Ledger;
  /** Called with the ticket of each guest who has joined. */
  onJoined: (ticket: string) => void;
  /** Ends the load; pending calls are completed. */
  stopping: AbortSignal;
  /** Aborts everything at once. */
  signal: AbortSignal;
}

/** Pause of one actor between two of its calls. Limits the load whatever the speed of the system. */
const pauseMs = { min: 10, max: 250 };
const guests = 4;
const hosts = 5;

/**
 * Simulates guests, hosts and new users concurrently until `stopping`, and resolves when the last call is answered. Each
 * actor has its own random numbers, so that a seed repeats their choices however their calls interleave.
 */
export async function playLoad(options: LoadOptions): Promise<void> {
  await Promise.all([
    ...Array.from({ length: guests }, (_, index) => playGuests(`guests ${index}`, options)),
    ...Array.from({ length: hosts }, (_, index) => playHost(`host ${index}`, options)),
    playNewUsers('new users', options),
  ]);
}

/** Guests who join, read their position and sometimes leave. */
async function playGuests(name: string, options: LoadOptions): Promise<void> {
  const { caller, queues, ledger } = options;
  const tickets: string[] = [];
  await act(name, options, async ({ random, pick }) => {
    const leaver = random() < 0.2 ? takeOne(tickets, random) : undefined;
    if (leaver !== undefined) {
      const answer = await attempt(options, leaveQueue, { params: { ticket: leaver } });
      if (answer?.ok) recordMove(ledger, leaver, 'leave');
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
    recordJoin(ledger, { ticket, queueId: queue.id, lane: 'regular', email, askedAt });
    tickets.push(ticket);
    options.onJoined(ticket);
    const read = await caller.call(getPosition, { params: { ticket } });
    if (!read.answer.ok) {
      recordViolation(
        ledger,
        `a guest who had joined got ${read.answer.status} instead of a position`,
      );
    }
  });
}

/** A host who adds parties, calls the next or any one, seats them, removes them, marks no-shows, and takes things back. */
async function playHost(name: string, options: LoadOptions): Promise<void> {
  const { queues, ledger } = options;
  const waiting: Party[] = [];
  const called: Party[] = [];
  const host: Options = { ...options, caller: options.staff };
  /** After the last change that this host made. */
  let last: Party | undefined;

  const move = async (
    contract: typeof callParty | typeof seatParty | typeof noShowParty | typeof removeParty,
    kind: PartyMove,
    party: Party | undefined,
  ) => {
    if (party === undefined) return;
    const answer = await attempt(host, contract, { params: { partyId: party.id } });
    if (!answer?.ok) return;
    last = answer.body;
    recordMove(ledger, party.ticket, kind);
    if (kind === 'call') called.push(answer.body);
  };

  const takeBack = async ({ id, seq, ticket }: Party) => {
    const answer = await attempt(host, undoParty, { params: { partyId: id }, body: { seq } });
    if (!answer?.ok) return;
    recordMove(ledger, ticket, 'undo');
    for (const list of [waiting, called]) {
      const index = list.findIndex((party) => party.id === id);
      if (index !== -1) list.splice(index, 1);
    }
    if (answer.body.state === 'waiting') waiting.push(answer.body);
    if (answer.body.state === 'called') called.push(answer.body);
  };

  await act(name, options, async ({ random, pick }) => {
    const queue = pick(queues);
    const choice = random();
    const mistaken = random() < 0.1 ? last : undefined;
    if (mistaken !== undefined) {
      last = undefined;
      await takeBack(mistaken);
    } else if (choice < 0.25) {
      const lane: Lane = random() < 0.15 ? 'priority' : 'regular';
      const email = random() < 0.25 ? guestEmail() : null;
      const askedAt = performance.now();
      const answer = await attempt(host, addParty, {
        params: { queueId: queue.id },
        body: { name: `Guest of ${name}`, size: 1 + Math.floor(random() * 6), lane, email },
      });
      if (!answer?.ok) return;
      const { ticket } = answer.body;
      recordJoin(ledger, { ticket, queueId: queue.id, lane, email, askedAt });
      last = answer.body;
      waiting.push(answer.body);
    } else if (choice < 0.6) {
      const maxSize = random() < 0.3 ? 1 + Math.floor(random() * 6) : undefined;
      const answer = await attempt(host, callNext, {
        params: { queueId: queue.id },
        body: maxSize === undefined ? {} : { maxSize },
      });
      if (!answer?.ok) return;
      recordMove(ledger, answer.body.ticket, 'call');
      last = answer.body;
      called.push(answer.body);
    } else if (choice < 0.8) await move(seatParty, 'seat', takeOne(called, random));
    else if (choice < 0.88) await move(noShowParty, 'noShow', takeOne(called, random));
    else if (choice < 0.91) await move(callParty, 'call', takeOne(called, random));
    else if (choice < 0.97) await move(callParty, 'call', takeOne(waiting, random));
    else await move(removeParty, 'remove', takeOne(waiting, random));
  });
}

/** New users who sign up; half of them follow the link in their mail during the run, and sign in. */
async function playNewUsers(name: string, options: LoadOptions): Promise<void> {
  const { ledger } = options;
  await act(name, options, async ({ random }) => {
    const unverified = ledger.signUps.find(({ isVerified }) => !isVerified);
    if (random() < 0.5 && unverified !== undefined) {
      await followLink(options, unverified);
      const { isVerified, email, password } = unverified;
      if (isVerified) await attempt(options, login, { body: { email, password } });
      return;
    }
    const email = `new-user-${randomBytes(8).toString('hex')}@example.com`;
    const password = randomBytes(18).toString('base64url');
    const answer = await attempt(options, signUp, {
      body: { name: 'New User', email, password },
    });
    if (answer?.ok) {
      const acknowledgedAtMs = ledger.elapsedMs();
      ledger.signUps.push({ email, password, isVerified: false, acknowledgedAtMs });
    }
    // Limits the password hashes, which are slow on purpose.
    await delay(2_000, undefined, { signal: options.stopping }).catch(() => {});
  });
}

/** Follows the link in a new user's mail if it has arrived. */
export async function followLink(
  options: Pick<LoadOptions, 'mailUrl' | 'caller' | 'ledger' | 'signal'>,
  account: AcknowledgedSignUp,
): Promise<void> {
  // The inbox is killed as well.
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
  step: (choices: Choices) => Promise<void>,
): Promise<void> {
  const random = randomOf(`${seed} ${name}`);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  while (!stopping.aborted) {
    await step({ random, pick });
    const ms = pauseMs.min + random() * (pauseMs.max - pauseMs.min);
    await delay(ms, undefined, { signal: AbortSignal.any([stopping, signal]) }).catch(() => {});
    signal.throwIfAborted();
  }
}

function takeOne<T>(from: T[], random: () => number): T | undefined {
  return from.splice(Math.floor(random() * from.length), 1)[0];
}

/** Unique, so that each mail belongs to one party. */
const guestEmail = () => `guest-${randomBytes(8).toString('hex')}@example.com`;

type Options = Pick<LoadOptions, 'ledger'> & { caller: Caller };

/** Refusals that only mean that another actor was faster, or that a change is too old to be taken back. */
const expectedRefusals = [
  'invalid-transition',
  'nobody-waiting',
  'party-changed',
  'cannot-undo',
].map((code) => problemTypeBase + code);
const internalErrorsMax = 5;

/**
 * Calls until the system answers. Retries an internal error with the same key, to learn the outcome of the call.
 *
 * @returns undefined when the answer is a violation, which is recorded in the ledger.
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
    if (expectedRefusals.includes(answer.problem?.type ?? '')) {
      ledger.refused++;
      return answer;
    }
    const detail = answer.problem?.detail ?? 'no problem+json';
    recordViolation(ledger, `${contract.operationId} answered ${answer.status}: ${detail}`);
    if (answer.status < 500) break;
  }
  return undefined;
}

function recordJoin(ledger: Ledger, party: Omit<AcknowledgedParty, 'acknowledgedAt'>): void {
  if (ledger.parties.has(party.ticket)) {
    recordViolation(ledger, 'two joins were acknowledged with the same ticket');
  }
  ledger.parties.set(party.ticket, { ...party, acknowledgedAt: performance.now() });
}

function recordMove(ledger: Ledger, ticket: string, move: PartyMove | 'undo'): void {
  const moves = ledger.moves.get(ticket) ?? {};
  moves[move] = (moves[move] ?? 0) + 1;
  ledger.moves.set(ticket, moves);
}
