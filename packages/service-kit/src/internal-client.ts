import type { Readable } from 'node:stream';
import { type Contract, isRawBody, pathOf } from '@queue-manager/contracts/contract';
import {
  type ProblemCode,
  ProblemDetails,
  problemTypeBase,
} from '@queue-manager/contracts/problems';
import { type Dispatcher, Pool } from 'undici';
import type { z } from 'zod';
import { createAddresses, isConnectError, isConnectionLost } from './addresses.ts';
import { credentialHeader, sentCredential } from './internal-credential.ts';
import { assertInTime, deadlineHeader, remainingMs } from './limits/deadline.ts';
import { isProblem, Problem } from './problems.ts';
import { currentContext } from './trace-context.ts';

export const requestIdHeader = 'x-request-id';

/** Another service did not respond, or broke its contract. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
}

type Input<T> = T extends z.ZodType ? z.input<T> : never;
type CallOptions<C extends Contract> = (C['schema'] extends { params: infer P }
  ? { params: Input<P> }
  : unknown) &
  (C['schema'] extends { querystring: infer Q } ? { query: Input<Q> } : unknown) &
  (C['schema'] extends { body: infer B } ? { body: Input<B> } : unknown) & {
    /** Of the call, and of waiting for a restart: by default the client's, and the deadline of the request it is for. */
    timeoutMs?: number;
  };
type CallResult<C extends Contract> = C['response'] extends z.ZodType
  ? z.output<C['response']>
  : C['response'] extends { contentType: string }
    ? Readable
    : undefined;

export type InternalClient = {
  /**
   * Calls a route of another service by its contract. Throws a `Problem` that the contract lists, or an
   * `UpstreamError` when the service is unavailable, too slow, or responds with anything else.
   */
  call<C extends Contract>(contract: C, options: CallOptions<C>): Promise<CallResult<C>>;
  /** Like `call`, but returns null instead of the problem `not-found`. */
  find<C extends Contract>(contract: C, options: CallOptions<C>): Promise<CallResult<C> | null>;
  close(): Promise<void>;
};

/**
 * A client of one service, with its own connections and the internal credential. Calls carry the trace context.
 * Calls go round robin over the service's processes. A call that cannot connect tries the next address, and waits
 * while the service restarts; a call that lost its connection is repeated once, if the contract allows that.
 */
export function createInternalClient(options: {
  baseUrl: string | readonly string[];
  credential: string;
  /** Per address; 32 by default. */
  connections?: number;
  /** Of a call that does not say otherwise; 5,000 by default. */
  timeoutMs?: number;
}): InternalClient {
  const addresses = createAddresses([options.baseUrl].flat());
  const credential = sentCredential(options.credential);
  const pools = new Map<string, Pool>();

  function poolOf(address: string): Pool {
    const known = pools.get(address);
    if (known !== undefined) return known;
    const pool = new Pool(address, {
      connections: options.connections ?? 32,
      pipelining: 1,
      connect: { timeout: 2_000 },
    });
    pools.set(address, pool);
    return pool;
  }

  /** Sends a call; the response's timer runs until its body is read. */
  async function request(
    contract: Contract,
    toSend: Omit<Dispatcher.RequestOptions, 'origin'> & { headers: Record<string, string> },
    { timeoutMs, endsAt }: { timeoutMs: number; endsAt: number },
  ): Promise<Dispatcher.ResponseData & { timer: NodeJS.Timeout | undefined }> {
    let mayRepeat = isRepeatable(contract);
    let untried: readonly string[] = [];
    const remaining = () => Math.max(1, Math.floor(endsAt - performance.now()));
    for (;;) {
      if (untried.length === 0) untried = addresses.inOrder();
      const [address = '', ...others] = untried;
      untried = others;
      const ms = Math.min(timeoutMs, remaining());
      const headers = { ...toSend.headers, [deadlineHeader]: String(ms) };
      // Cleared after the call, which `AbortSignal.timeout` does not allow: its timer would fire after every call.
      const deadline = new AbortController();
      // A raw body may stream for any time.
      const isRaw = isRawBody(contract.response);
      const timer = isRaw ? undefined : setTimeout(() => deadline.abort(), ms);
      const limit = isRaw ? { headersTimeout: ms } : { signal: deadline.signal };
      try {
        const response = await poolOf(address).request({ ...toSend, headers, ...limit });
        addresses.responded();
        return { ...response, timer };
      } catch (error) {
        clearTimeout(timer);
        if (isConnectError(error)) {
          addresses.avoid(address);
          const mayGoOn = untried.length > 0 || (await addresses.isBack(remaining()));
          if (!mayGoOn) throw error;
        } else if (isConnectionLost(error) && mayRepeat) mayRepeat = false;
        else throw error;
      }
    }
  }

  async function call(contract: Contract, input: Record<string, unknown>): Promise<unknown> {
    const { params, query } = input as Partial<Record<'params' | 'query', Record<string, string>>>;
    assertInTime();
    const wantedMs = input.timeoutMs as number | undefined;
    const timeoutMs = wantedMs ?? options.timeoutMs ?? 5_000;
    // A restart may take longer than a call: only the request that this call is for ends the wait for it.
    const endsAt = performance.now() + Math.min(wantedMs ?? Infinity, remainingMs() ?? timeoutMs);
    const { requestId, traceparent } = currentContext() ?? {};
    let timer: NodeJS.Timeout | undefined;
    try {
      const toSend = {
        method: contract.method,
        path: pathOf(contract, params, query),
        headers: {
          [credentialHeader]: credential,
          ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(requestId === undefined ? {} : { [requestIdHeader]: requestId }),
          ...(traceparent === undefined ? {} : { traceparent }),
        },
        body: input.body === undefined ? null : JSON.stringify(input.body),
      };
      const answer = await request(contract, toSend, { timeoutMs, endsAt });
      timer = answer.timer;
      if (answer.statusCode === contract.status) {
        if (isRawBody(contract.response)) return answer.body;
        if (contract.response === undefined) return void (await answer.body.dump());
        return (contract.response as z.ZodType).parse(await answer.body.json());
      }
      throw problemOf(contract, answer.statusCode, await answer.body.text());
    } catch (error) {
      if (error instanceof Problem || error instanceof UpstreamError) throw error;
      throw new UpstreamError(`${contract.service} did not respond to ${contract.operationId}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    call: call as InternalClient['call'],
    find: ((contract, options) =>
      call(contract, options).catch((error: unknown) => {
        if (isProblem(error, 'not-found')) return null;
        throw error;
      })) as InternalClient['find'],
    async close() {
      await Promise.all(Array.from(pools.values(), (pool) => pool.close()));
    },
  };
}

/** Whether a call may be sent again when the service may have handled it already. */
function isRepeatable({ method, isRepeatable = method === 'GET' }: Contract): boolean {
  return isRepeatable;
}

function problemOf(contract: Contract, status: number, body: string): Error {
  const parsed = ProblemDetails.safeParse(parseJson(body));
  const code = parsed.success
    ? (parsed.data.type.slice(problemTypeBase.length) as ProblemCode)
    : null;
  if (code !== null && contract.problems.includes(code))
    return new Problem(code, { detail: parsed.data?.detail ?? '' });
  return new UpstreamError(
    `${contract.service} responded to ${contract.operationId} with ${status}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
