import { type Contract, isRawBody, pathOf } from '@queue-manager/contracts/contract';
import type { ProblemDetails } from '@queue-manager/contracts/problems';
import type { z } from 'zod';

/*
 * The API client for programs and browsers. Everything it knows of a route comes from the contract it is given:
 * it imports no schemas of its own and nothing that only Node has.
 */

type Input<T> = T extends z.ZodType ? z.input<T> : never;
type Part<C extends Contract, Name extends keyof C['schema']> = Input<C['schema'][Name]>;

/** Parameters, body and query of a call, as the contract states them before defaults are filled in. */
export type CallOptions<C extends Contract> = (C['schema'] extends { params: z.ZodType }
  ? { params: Part<C, 'params' & keyof C['schema']> }
  : unknown) &
  (C['schema'] extends { body: z.ZodType }
    ? undefined extends Part<C, 'body' & keyof C['schema']>
      ? { body?: Part<C, 'body' & keyof C['schema']> }
      : { body: Part<C, 'body' & keyof C['schema']> }
    : unknown) &
  (C['schema'] extends { querystring: z.ZodType }
    ? { query?: Part<C, 'querystring' & keyof C['schema']> }
    : unknown) &
  CommonOptions;

interface CommonOptions {
  /** Access token of the caller. */
  token?: string;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** The body of a success: JSON as the contract states it, or the bytes of another media type. */
export type Success<C extends Contract> = C['response'] extends z.ZodType
  ? z.output<C['response']>
  : C['response'] extends { contentType: string }
    ? Uint8Array
    : undefined;

/** `ok` is true for the one success status that the contract names. */
export type Answer<C extends Contract> = {
  status: number;
  headers: Headers;
} & ({ ok: true; body: Success<C> } | { ok: false; problem: ProblemDetails | null });

/** The route answered with a problem. */
export class RefusedCall extends Error {
  override readonly name = 'RefusedCall';
  readonly status: number;
  readonly problem: ProblemDetails | null;

  constructor(contract: Contract, status: number, problem: ProblemDetails | null) {
    const detail = problem === null ? '' : ` ${problem.detail}`;
    super(`${contract.method} ${contract.url} was refused: ${status}${detail}`);
    this.status = status;
    this.problem = problem;
  }
}

/** The body of a success does not match the contract. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}

/** Calls the routes of one base URL, once each. Rejects as `fetch` does when there is no answer. */
export interface Client {
  /** @throws UnexpectedAnswer */
  call<const C extends Contract>(contract: C, options: CallOptions<C>): Promise<Answer<C>>;
  /**
   * Calls a route and returns the body of its success.
   *
   * @throws RefusedCall, UnexpectedAnswer
   */
  succeed<const C extends Contract>(contract: C, options: CallOptions<C>): Promise<Success<C>>;
}

export function createClient(baseUrl: string): Client {
  async function call<const C extends Contract>(
    contract: C,
    options: CallOptions<C>,
  ): Promise<Answer<C>> {
    const { params, query, body, token, idempotencyKey, signal } = options as CommonOptions & {
      params?: Record<string, string>;
      query?: Record<string, unknown>;
      body?: unknown;
    };
    const response = await fetch(new URL(pathOf(contract, params, query), baseUrl), {
      method: contract.method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { status, headers } = response;
    if (status !== contract.status) {
      return { ok: false, status, headers, problem: problemIn(bytes) };
    }
    return { ok: true, status, headers, body: successIn(contract, bytes) as Success<C> };
  }

  return {
    call,
    async succeed(contract, options) {
      return bodyOf(contract, await call(contract, options));
    },
  };
}

/** The body of a success. @throws RefusedCall */
export function bodyOf<C extends Contract>(contract: C, answer: Answer<C>): Success<C> {
  if (answer.ok) return answer.body;
  throw new RefusedCall(contract, answer.status, answer.problem);
}

/** Every item of a list that comes in pages. */
export async function* everyItem<T>(
  readPage: (page: { cursor?: string }) => Promise<{ data: T[]; nextCursor: string | null }>,
): AsyncGenerator<T> {
  let cursor: string | null = null;
  do {
    const { data, nextCursor } = await readPage(cursor === null ? {} : { cursor });
    yield* data;
    cursor = nextCursor;
  } while (cursor !== null);
}

/** Null where something in between answered, which need not send problem+json. */
function problemIn(bytes: Uint8Array): ProblemDetails | null {
  try {
    const body = jsonIn(bytes) as ProblemDetails;
    return typeof body.type === 'string' && typeof body.detail === 'string' ? body : null;
  } catch {
    return null;
  }
}

function successIn(contract: Contract, bytes: Uint8Array): unknown {
  if (contract.response === undefined) return undefined;
  if (isRawBody(contract.response)) return bytes;
  try {
    return contract.response.parse(jsonIn(bytes));
  } catch (error) {
    throw new UnexpectedAnswer(
      `${contract.method} ${contract.url} does not answer as its contract states: ${String(error)}`,
    );
  }
}

function jsonIn(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
