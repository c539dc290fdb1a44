import type { z } from 'zod';
import type { ProblemCode } from './problems.ts';

/** The services that answer HTTP behind the gateway. */
export type ServiceName = 'auth' | 'user' | 'queue' | 'position' | 'broker';

/**
 * Who may call. `session` is an access token or the refresh cookie, which the handler checks. `host`, `manager` and
 * `owner` are minimum roles in the venue that owns the resource; the handler checks them once it has loaded the
 * resource. `key` is an API key of the venue. The gateway does not route `internal`.
 */
export type Auth =
  | 'public'
  | 'session'
  | 'user'
  | 'host'
  | 'manager'
  | 'owner'
  | 'ticket'
  | 'key'
  | 'internal';

/**
 * Which of the gateway's limits applies. Shared by all gateways: `credentials` counts by e-mail and address together,
 * `password` by account with the same maximum, `join` by address. In each process's memory: `ticket` counts by
 * ticket, `key` by API key, `account` by the caller's account, `address` by address.
 */
export type RateLimit =
  | 'credentials'
  | 'password'
  | 'join'
  | 'ticket'
  | 'key'
  | 'account'
  | 'address';

export type Schemas = {
  readonly params?: z.ZodObject;
  readonly querystring?: z.ZodObject;
  readonly body?: z.ZodType;
};

/** A body that is not JSON, with its media type. */
export type RawBody = {
  readonly contentType: string;
  /** Whether `content-disposition` names a file. */
  readonly isFile?: boolean;
  /** What a stream sends: the events' names, and the schema of their data. */
  readonly events?: { readonly names: readonly string[]; readonly data: z.ZodType };
  /** Whether a stream resumes after `Last-Event-ID`. */
  readonly isResumable?: boolean;
};

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
  /** The only success status. */
  readonly status: 200 | 201 | 202 | 204;
  /** The success body; absent with 204. */
  readonly response?: z.ZodType | RawBody;
  /** Whether it reads and sets the refresh cookie. The gateway forwards the cookies of no other route. */
  readonly usesRefreshCookie?: boolean;
  /** Maximum of the body, where it is not that of all routes. */
  readonly bodyBytesMax?: number;
  /** How long a response may wait for something to happen, as its caller chooses. */
  readonly waitSecondsMax?: number;
  /** Whether browsers and mail clients call it with forms. The gateway accepts these bodies and drops them. */
  readonly takesForms?: boolean;
  /**
   * Whether a client may retry a call that may already have succeeded. Reads are repeatable by default; set this on
   * a POST that only reads or is idempotent by nature.
   */
  readonly isRepeatable?: boolean;
  /** Problems of this route, in addition to `commonProblems`. */
  readonly problems: readonly ProblemCode[];
};

type Defaults = { problems: readonly []; schema: Record<never, never> };

type Written<C> = Omit<C, keyof Defaults> & {
  readonly problems: C extends { problems: infer P } ? P : readonly [];
  readonly schema: C extends { schema: infer S } ? S : Record<never, never>;
};

export type ContractInput = Omit<Contract, 'problems' | 'schema'> &
  Partial<Pick<Contract, 'problems' | 'schema'>>;

/** Defines one route: everything the server, the gateway, the OpenAPI and the client need to know. */
export function contract<const C extends ContractInput>(written: C): Written<C> {
  return { problems: [], schema: {}, ...written } as unknown as Written<C>;
}

/** True when the success body is not JSON. */
export function isRawBody(response: Contract['response']): response is RawBody {
  return response !== undefined && 'contentType' in response;
}

/** The path of a route with its parameters and query filled in. */
export function pathOf(
  { url }: Pick<Contract, 'url'>,
  params: Record<string, string> = {},
  query: Record<string, unknown> = {},
): string {
  const path = url.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search}`;
}
