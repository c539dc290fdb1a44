import { type Contract, isRawBody } from '@queue-manager/contracts/contract';
import type { AccessTokenClaims } from '@queue-manager/contracts/tokens';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { z } from 'zod';

type Output<T> = T extends z.ZodType ? z.output<T> : undefined;
type StaffAuth = 'user' | 'host' | 'manager' | 'owner';

/** Whose API key a caller sent. */
export type ApiKeyOwner = { venueId: string; keyId: string };

/** A validated request, with the caller's claims or the owner of its key where the contract requires one. */
type RequestOf<C extends Contract> = Omit<FastifyRequest, 'params' | 'query' | 'body'> & {
  params: C['schema'] extends { params: infer P } ? Output<P> : undefined;
  query: C['schema'] extends { querystring: infer Q } ? Output<Q> : undefined;
  body: C['schema'] extends { body: infer B } ? Output<B> : undefined;
} & (C['auth'] extends StaffAuth ? { claims: AccessTokenClaims } : unknown) &
  (C['auth'] extends 'key' ? { apiKey: ApiKeyOwner } : unknown);

/**
 * What a handler returns: the body of a success, or nothing for 204. A handler that hijacked the connection
 * (`reply.hijack()`) returns its reply.
 */
type ResponseOf<C extends Contract> = C['response'] extends z.ZodType
  ? z.input<C['response']>
  : C['response'] extends { contentType: string }
    ? Buffer | string | NodeJS.ReadableStream | FastifyReply
    : // biome-ignore lint/suspicious/noConfusingVoidType: a handler without a body may return nothing
      void;

export type Handler<C extends Contract> = (
  request: RequestOf<C>,
  reply: FastifyReply,
) => Promise<ResponseOf<C>>;

declare module 'fastify' {
  interface FastifyInstance {
    /** Ends each connection with its next response. */
    endConnections(): void;
  }
  interface FastifyContextConfig {
    contract?: Contract;
    /** Whether a route without a contract responds with an event stream. */
    isStream?: boolean;
    /** How much longer than others a response may take, because it waits for something to happen. */
    waitMsMax?: number;
  }
  interface FastifyRequest {
    /** Claims of the caller's access token; null on routes that need none. */
    claims: AccessTokenClaims | null;
    /** The owner of the caller's API key; null on routes that need none. */
    apiKey: ApiKeyOwner | null;
    /** The `Idempotency-Key` of a POST; null when it has none. */
    idempotencyKey: string | null;
  }
}

const jsonSchemas = new WeakMap<z.ZodType, object>();

/**
 * JSON Schema of a response, for the compiled serializer, which leaves out fields that the schema does not name.
 * `anyOf` with null becomes a `type` array: the serializer would validate each value against `anyOf`.
 */
function serializationSchema(schema: z.ZodType): object {
  const known = jsonSchemas.get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'output',
    reused: 'inline',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      delete jsonSchema.format;
      delete jsonSchema.pattern;
      foldNull(jsonSchema as Record<string, unknown>);
    },
  });
  jsonSchemas.set(schema, made);
  return made;
}

function foldNull(schema: Record<string, unknown>): void {
  const options = schema.anyOf as Record<string, unknown>[] | undefined;
  if (options?.length !== 2) return;
  const value = options.find((option) => option.type !== 'null');
  const isNullable = options.some((option) => option.type === 'null');
  if (!isNullable || value === undefined || typeof value.type !== 'string') return;
  delete schema.anyOf;
  Object.assign(schema, value, { type: [value.type, 'null'] });
  if (Array.isArray(value.enum)) schema.enum = [...value.enum, null];
}

/**
 * Combines a contract and its handler into options for `app.route`. `createApp` validates requests by the
 * contract's schemas and checks the credential that `auth` names. Handlers check roles in a venue themselves,
 * against the resource they loaded.
 */
export function route<C extends Contract>(contract: C, handler: Handler<C>): RouteOptions {
  const { response, status } = contract;
  const hasJsonBody = response !== undefined && !isRawBody(response);
  return {
    method: contract.method,
    url: contract.url,
    config: { contract },
    ...(contract.bodyBytesMax === undefined ? {} : { bodyLimit: contract.bodyBytesMax }),
    schema: {
      ...contract.schema,
      ...(hasJsonBody ? { response: { [status]: serializationSchema(response) } } : {}),
    },
    handler: hasJsonBody
      ? (request, reply) => {
          // The error handler overrides this status.
          reply.code(status);
          return handler(request as unknown as RequestOf<C>, reply);
        }
      : async (request, reply) => {
          const body = await handler(request as unknown as RequestOf<C>, reply);
          // Hijacked. `body` does not tell: a reply is thenable, so `await` unwraps it.
          if (reply.sent) return;
          reply.code(status);
          if (response !== undefined) reply.type(response.contentType);
          return body ?? reply.send();
        },
  };
}
