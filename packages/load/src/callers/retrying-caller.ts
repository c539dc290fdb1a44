import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Answer,
  bodyOf,
  type CallOptions,
  createClient,
  RefusedCall,
  type Success,
  UnexpectedAnswer,
} from '@queue-manager/client/client';
import type { Contract } from '@queue-manager/contracts/contract';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { isOutage } from '@queue-manager/service-kit/problems';

/** One answer, and how long the attempt that got it took. */
export type Timed<C extends Contract> = { answer: Answer<C>; ms: number };

/** Number of retries by reason. */
export interface Retries {
  /** 429: too many requests. */
  throttled: number;
  /** 503: a store or service was unavailable. */
  unavailable: number;
  /** No answer at all. */
  unanswered: number;
}

export interface Caller {
  /**
   * Retries until there is an answer other than 429 and 503. All attempts of a POST carry the same
   * `Idempotency-Key`, so that a retry after a lost answer changes nothing.
   *
   * @throws StackError when the system stays unavailable for too long.
   */
  call<const C extends Contract>(contract: C, options: CallOptions<C>): Promise<Timed<C>>;
}

interface CallerOptions {
  gatewayUrl: string;
  signal: AbortSignal;
  /** Gets one line while the system is unavailable, and null once it has recovered. */
  note(text: string | null): void;
  /** How long to wait for a system that is unavailable or throttles. */
  patienceMs?: number;
}

const attemptMsMax = 30_000;
const backoffMs = { first: 200, max: 2_000 };
const retryAfterMsMax = 65_000;

/** A caller that survives restarts of the system. */
export function createCaller(options: CallerOptions): Caller & { retries: Retries } {
  const { gatewayUrl, signal, note, patienceMs = 120_000 } = options;
  const client = createClient(gatewayUrl);
  const retries: Retries = { throttled: 0, unavailable: 0, unanswered: 0 };

  async function attempt<C extends Contract>(
    contract: C,
    callOptions: CallOptions<C>,
  ): Promise<Timed<C> | undefined> {
    const startedAt = performance.now();
    try {
      const answer = await client.call(contract, {
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
    options: CallOptions<C>,
  ): Promise<Timed<C>> {
    const callOptions =
      contract.method === 'POST' ? { idempotencyKey: randomUUID(), ...options } : options;
    let failingSince: number | undefined;
    let backoff = backoffMs.first;
    for (;;) {
      const timed = await attempt(contract, callOptions);
      const status = timed?.answer.status;
      if (timed !== undefined && status !== 429 && status !== 503) {
        if (failingSince !== undefined) note(null);
        return timed;
      }
      retries[status === 429 ? 'throttled' : status === 503 ? 'unavailable' : 'unanswered']++;
      const wait = timed === undefined ? backoff : retryAfterMs(timed.answer.headers);
      backoff = Math.min(backoff * 2, backoffMs.max);
      const now = performance.now();
      failingSince ??= now;
      const trouble = status === undefined ? 'did not answer' : `answered ${status}`;
      if (now + wait - failingSince > patienceMs) {
        throw new StackError(
          `gave up: for ${Math.round((now - failingSince) / 1_000)} s the system ${trouble} (${contract.method} ${contract.url})`,
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
    ? Math.min(Math.max(seconds * 1_000, backoffMs.first), retryAfterMsMax)
    : backoffMs.max;
}

/** Calls a route that must succeed, and returns the body. @throws StackError naming the refusal. */
export async function succeed<const C extends Contract>(
  caller: Caller,
  contract: C,
  options: CallOptions<C>,
): Promise<Success<C>> {
  return successOf(contract, (await caller.call(contract, options)).answer);
}

/** The body of a success. @throws StackError naming the refusal. */
export function successOf<C extends Contract>(contract: C, answer: Answer<C>): Success<C> {
  try {
    return bodyOf(contract, answer);
  } catch (error) {
    throw error instanceof RefusedCall ? new StackError(error.message) : error;
  }
}
