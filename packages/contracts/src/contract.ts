import type { z } from 'zod';
import type { ProblemCode } from './problems.ts';

/** The services that answer HTTP behind the gateway. */
export type ServiceName = 'auth' | 'user' | 'queue' | 'position';

/**
 * Who may call. `host`, `manager` and `owner` are least roles in the venue that owns the resource;
 * the handler checks them against the resource it loaded. `internal` is never routed by the gateway.
 */
export type Auth = 'public' | 'user' | 'host' | 'manager' | 'owner' | 'ticket' | 'internal';

/**
 * Which of the gateway's limits counts a call:
 * `credentials` by e-mail and address together, `password` by account and as tightly, `join` by address
 * (these are shared by all gateways),
 * `ticket` by ticket, `account` by the caller's account, `address` by address (a process's own memory).
 */
export type RateLimit = 'credentials' | 'password' | 'join' | 'ticket' | 'account' | 'address';

export type Schemas = {
  readonly params?: z.ZodObject;
  readonly querystring?: z.ZodObject;
  readonly body?: z.ZodType;
};

/** A body that is not JSON, named by its media type. */
export type RawBody = { readonly contentType: string };

export type Contract = {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly service: ServiceName;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Fastify's notation: `/v1/queues/:queueId`. */
  readonly url: string;
  readonly auth: Auth;
  readonly rateLimit: RateLimit;
  readonly schema: Schemas;
  /** The one status of success. */
  readonly status: 200 | 201 | 202 | 204;
  /** The body of success; absent with 204. */
  readonly response?: z.ZodType | RawBody;
  /**
   * Whether a call that may have been done already may be made once more; reads may by default. A POST that only
   * reads, or that changes nothing the second time, says so.
   */
  readonly isRepeatable?: boolean;
  /** Problems of this route beside those every route can give. */
  readonly problems: readonly ProblemCode[];
};

type Defaults = { problems: readonly []; schema: Record<never, never> };

type Written<C> = Omit<C, keyof Defaults> & {
  readonly problems: C extends { problems: infer P } ? P : readonly [];
  readonly schema: C extends { schema: infer S } ? S : Record<never, never>;
};

type ContractInput = Omit<Contract, 'problems' | 'schema'> &
  Partial<Pick<Contract, 'problems' | 'schema'>>;

/** States one route: everything the server, the gateway, the OpenAPI and the client need to know. */
export function contract<const C extends ContractInput>(written: C): Written<C> {
  return { problems: [], schema: {}, ...written } as unknown as Written<C>;
}

/** True when the success body is not JSON. */
export function isRawBody(response: Contract['response']): response is RawBody {
  return response !== undefined && 'contentType' in response;
}
