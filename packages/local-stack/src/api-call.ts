import { type Contract, isRawBody } from '@queue-manager/contracts/contract';
import { ProblemDetails } from '@queue-manager/contracts/problems';
import type { z } from 'zod';

type Input<T> = T extends z.ZodType ? z.input<T> : never;
type Part<C extends Contract, Name extends keyof C['schema']> = Input<C['schema'][Name]>;

/** What a call of this contract takes: as the contract states, before defaults are filled in. */
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
    : unknown) & {
    /** Access token of the caller. */
    token?: string;
    idempotencyKey?: string;
    signal?: AbortSignal;
  };

/** The body of success: JSON as the contract states it, bytes where it is not JSON. */
export type Success<C extends Contract> = C['response'] extends z.ZodType
  ? z.output<C['response']>
  : C['response'] extends { contentType: string }
    ? Buffer
    : undefined;

/** `ok` is true for the one status of success that the contract names. */
export type Answer<C extends Contract> = {
  status: number;
  headers: Headers;
} & ({ ok: true; body: Success<C> } | { ok: false; problem: ProblemDetails | null });

/** An answer of success whose body is not what the contract states. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}

/** The path of a contract with its parameters filled in, and a query when one is given. */
export function pathOf(
  contract: Contract,
  params: Record<string, string> = {},
  query: Record<string, unknown> = {},
): string {
  const path = contract.url.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search}`;
}

/**
 * Calls a public route by its contract, once.
 *
 * @throws UnexpectedAnswer when the body of success is not what the contract states; whatever `fetch`
 * throws when there was no answer.
 */
export async function callApi<const C extends Contract>(
  baseUrl: string,
  contract: C,
  options: CallOptions<C>,
): Promise<Answer<C>> {
  const given = options as {
    params?: Record<string, string>;
    query?: Record<string, unknown>;
    body?: unknown;
    token?: string;
    idempotencyKey?: string;
    signal?: AbortSignal;
  };
  const response = await fetch(new URL(pathOf(contract, given.params, given.query), baseUrl), {
    method: contract.method,
    headers: {
      ...(given.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(given.token === undefined ? {} : { authorization: `Bearer ${given.token}` }),
      ...(given.idempotencyKey === undefined ? {} : { 'idempotency-key': given.idempotencyKey }),
    },
    body: given.body === undefined ? null : JSON.stringify(given.body),
    signal: given.signal ?? null,
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const { status, headers } = response;
  if (status !== contract.status) {
    return { ok: false, status, headers, problem: problemIn(bytes) };
  }
  return { ok: true, status, headers, body: successIn(contract, bytes) as Success<C> };
}

function problemIn(bytes: Buffer): ProblemDetails | null {
  try {
    return ProblemDetails.parse(JSON.parse(bytes.toString()));
  } catch {
    return null;
  }
}

function successIn(contract: Contract, bytes: Buffer): unknown {
  if (contract.response === undefined) return undefined;
  if (isRawBody(contract.response)) return bytes;
  try {
    return contract.response.parse(JSON.parse(bytes.toString()));
  } catch (error) {
    throw new UnexpectedAnswer(
      `${contract.method} ${contract.url} did not answer as its contract says: ${String(error)}`,
    );
  }
}
