import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contract } from '@queue-manager/contracts/contract';
import { isOutage } from '@queue-manager/service-kit/problems';
import {
  type Answer,
  type CallOptions,
  callApi,
  type Success,
  UnexpectedAnswer,
} from './api-call.ts';
import { StackError } from './stack-error.ts';

/** One answer, and how long the attempt that got it took. */
export type Timed<C extends Contract> = { answer: Answer<C>; ms: number };

/** How often a call had to be made again, by the reason. */
export interface Retries {
  /** 429: too many requests. */
  throttled: number;
  /** 503: a store or service was away. */
  unavailable: number;
  /** No answer at all. */
  unanswered: number;
}

export interface Caller {
  /**
   * Calls until there is an answer other than 429 and 503, or too long has passed. Every attempt of a POST
   * carries the same `Idempotency-Key`, so that a repeat of one whose answer was lost does nothing twice.
   */
  call<const C extends Contract>(contract: C, options: CallOptions<C>): Promise<Timed<C>>;
  retries: Retries;
}

export interface CallerOptions {
  gatewayUrl: string;
  signal: AbortSignal;
  /** Told when the system is away, and, with null, that it is back. */
  note(text: string | null): void;
  /** How long a system that is away, or too busy, is waited for. */
  patienceMs?: number;
}

const attemptMsMax = 30_000;
const pauseMs = { first: 200, longest: 2_000 };
const retryAfterMsMax = 65_000;

/** A caller that outlives a restart of the system. */
export function createCaller(options: CallerOptions): Caller {
  const { gatewayUrl, signal, note, patienceMs = 120_000 } = options;
  const retries: Retries = { throttled: 0, unavailable: 0, unanswered: 0 };

  async function attempt<C extends Contract>(
    contract: C,
    callOptions: CallOptions<C>,
  ): Promise<Timed<C> | undefined> {
    const startedAt = performance.now();
    try {
      const answer = await callApi(gatewayUrl, contract, {
        ...callOptions,
        signal: AbortSignal.any([signal, AbortSignal.timeout(attemptMsMax)]),
      });
      return { answer, ms: performance.now() - startedAt };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UnexpectedAnswer) throw new StackError(error.message);
      if (!isOutage(error)) throw error;
      return undefined;
    }
  }

  async function call<const C extends Contract>(
    contract: C,
    given: CallOptions<C>,
  ): Promise<Timed<C>> {
    const callOptions =
      contract.method === 'POST' ? { idempotencyKey: randomUUID(), ...given } : given;
    let awaySince: number | undefined;
    let pause = pauseMs.first;
    for (;;) {
      const timed = await attempt(contract, callOptions);
      const status = timed?.answer.status;
      if (timed !== undefined && status !== 429 && status !== 503) {
        if (awaySince !== undefined) note(null);
        return timed;
      }
      retries[status === 429 ? 'throttled' : status === 503 ? 'unavailable' : 'unanswered']++;
      const wait = timed === undefined ? pause : retryAfterMs(timed.answer.headers);
      pause = Math.min(pause * 2, pauseMs.longest);
      const now = performance.now();
      awaySince ??= now;
      const trouble = status === undefined ? 'did not answer' : `answered ${status}`;
      if (now + wait - awaySince > patienceMs) {
        throw new StackError(
          `gave up: for ${Math.round((now - awaySince) / 1_000)} s the system ${trouble} (${contract.method} ${contract.url})`,
        );
      }
      note(`the system ${trouble}: waiting for it`);
      await delay(wait, undefined, { signal });
    }
  }

  return { call, retries };
}

function retryAfterMs(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? 1);
  return Number.isFinite(seconds)
    ? Math.min(Math.max(seconds * 1_000, pauseMs.first), retryAfterMsMax)
    : pauseMs.longest;
}

/** The body of success. Throws a StackError that says what was refused and why. */
export function succeed<C extends Contract>(contract: C, answer: Answer<C>): Success<C> {
  if (answer.ok) return answer.body;
  const { status, problem } = answer;
  throw new StackError(
    `${contract.method} ${contract.url} was refused: ${status}${problem === null ? '' : ` ${problem.detail}`}`,
  );
}
