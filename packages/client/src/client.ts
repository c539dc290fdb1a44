import { type Contract, isRawBody, pathOf } from '@queue-manager/contracts/contract';
import type { ProblemCode, ProblemDetails } from '@queue-manager/contracts/problems';
import type { publicRoutes } from '@queue-manager/contracts/registry';
import type { z } from 'zod';
import { type OperationId, operations } from './operations.ts';

/*
 * The API client for programs and browsers. A route is named by its `operationId`, which costs a browser one line of a
 * generated table, or passed as its contract, against which the body of a success is then checked. The client imports
 * no schemas, only their types, and nothing that only Node has.
 */

/** A route: its `operationId`, or its contract. */
export type Route = OperationId | Contract;
export type ContractOf<R extends Route> = R extends OperationId ? (typeof publicRoutes)[R] : R;

/** What `optionalBody` makes has an unknown input: the fields are those of the schema behind it. */
type Input<T> =
  T extends z.ZodPipe<z.ZodTransform, infer Fields>
    ? z.input<Fields> | undefined
    : T extends z.ZodType
      ? z.input<T>
      : never;
type Part<C extends Contract, Name extends keyof C['schema']> = Input<C['schema'][Name]>;

/** Parameters, body and query of a call, as the contract states them before defaults are filled in. */
export type CallOptions<R extends Route> = OptionsOf<ContractOf<R> & Contract>;

type OptionsOf<C extends Contract> = (C['schema'] extends { params: z.ZodType }
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
export type Success<R extends Route> = SuccessOf<ContractOf<R> & Contract>;

type SuccessOf<C extends Contract> = C['response'] extends z.ZodType
  ? z.output<C['response']>
  : C['response'] extends { contentType: string }
    ? Uint8Array
    : undefined;

/** `ok` is true for the one success status that the contract names. */
export type Answer<R extends Route> = {
  status: number;
  headers: Headers;
} & ({ ok: true; body: Success<R> } | { ok: false; problem: ProblemDetails | null });

/** The route answered with a problem. */
export class RefusedCall extends Error {
  override readonly name = 'RefusedCall';
  readonly status: number;
  readonly problem: ProblemDetails | null;

  constructor(
    { method, url }: Pick<Contract, 'method' | 'url'>,
    status: number,
    problem: ProblemDetails | null,
  ) {
    const detail = problem === null ? '' : ` ${problem.detail}`;
    super(`${method} ${url} was refused: ${status}${detail}`);
    this.status = status;
    this.problem = problem;
  }
}

/** The body of a success does not match the contract. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}

/** The code of a problem: the end of its `type`. */
export function problemCode(problem: ProblemDetails | null): ProblemCode | null {
  return (problem?.type.split('/').at(-1) as ProblemCode | undefined) ?? null;
}

/**
 * Calls the routes of one base URL, once each. Rejects as `fetch` does when there is no answer. Browsers add the
 * refresh cookie to calls of the page's own origin, and to no other.
 */
export interface Client {
  /** @throws UnexpectedAnswer */
  call<const R extends Route>(route: R, options: CallOptions<R>): Promise<Answer<R>>;
  /**
   * Calls a route and returns the body of its success.
   *
   * @throws RefusedCall, UnexpectedAnswer
   */
  succeed<const R extends Route>(route: R, options: CallOptions<R>): Promise<Success<R>>;
}

export function createClient(baseUrl: string): Client {
  async function call<const R extends Route>(
    route: R,
    options: CallOptions<R>,
  ): Promise<Answer<R>> {
    const { params, query, body, token, idempotencyKey, signal } = options as CommonOptions & {
      params?: Record<string, string>;
      query?: Record<string, unknown>;
      body?: unknown;
    };
    const operation = operationOf(route);
    const response = await fetch(new URL(pathOf(operation, params, query), baseUrl), {
      method: operation.method,
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
    if (status !== operation.status) {
      return { ok: false, status, headers, problem: problemIn(bytes) };
    }
    return { ok: true, status, headers, body: successIn(route, headers, bytes) as Success<R> };
  }

  return {
    call,
    async succeed(route, options) {
      return bodyOf(route, await call(route, options));
    },
  };
}

type Operation = Pick<Contract, 'method' | 'url' | 'status'>;

function operationOf(route: Route): Operation {
  if (typeof route !== 'string') return route;
  const [method, url, status] = operations[route];
  return { method, url, status };
}

/** The path of a route with its parameters and query, for what opens addresses itself, such as `EventSource`. */
export function pathTo<const R extends Route>(
  route: R,
  { params, query }: { params?: Record<string, string>; query?: Record<string, unknown> },
): string {
  return pathOf(operationOf(route), params, query);
}

/** The body of a success. @throws RefusedCall */
export function bodyOf<const R extends Route>(route: R, answer: Answer<R>): Success<R> {
  if (answer.ok) return answer.body;
  throw new RefusedCall(operationOf(route), answer.status, answer.problem);
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

function successIn(route: Route, headers: Headers, bytes: Uint8Array): unknown {
  if (typeof route === 'string') {
    if (bytes.length === 0) return undefined;
    return headers.get('content-type')?.startsWith('application/json') ? jsonIn(bytes) : bytes;
  }
  if (route.response === undefined) return undefined;
  if (isRawBody(route.response)) return bytes;
  try {
    return route.response.parse(jsonIn(bytes));
  } catch (error) {
    throw new UnexpectedAnswer(
      `${route.method} ${route.url} does not answer as its contract states: ${String(error)}`,
    );
  }
}

function jsonIn(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
