import { type Contract, isRawBody } from '@queue-manager/contracts/contract';
import type { AccessTokenClaims } from '@queue-manager/contracts/tokens';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { z } from 'zod';

type Output<T> = T extends z.ZodType ? z.output<T> : undefined;
type StaffAuth = 'user' | 'host' | 'manager' | 'owner';

/** A request as its contract states it: validated, and with the caller's claims where the contract asks for an account. */
export type RequestOf<C extends Contract> = Omit<FastifyRequest, 'params' | 'query' | 'body'> & {
  params: C['schema'] extends { params: infer P } ? Output<P> : undefined;
  query: C['schema'] extends { querystring: infer Q } ? Output<Q> : undefined;
  body: C['schema'] extends { body: infer B } ? Output<B> : undefined;
} & (C['auth'] extends StaffAuth ? { claims: AccessTokenClaims } : unknown);

/**
 * What a handler gives back: the body of success, or nothing with 204. A handler that took the connection over
 * (`reply.hijack()`) gives back its reply.
 */
export type ResponseOf<C extends Contract> = C['response'] extends z.ZodType
  ? z.input<C['response']>
  : C['response'] extends { contentType: string }
    ? Buffer | string | NodeJS.ReadableStream | FastifyReply
    : // biome-ignore lint/suspicious/noConfusingVoidType: a handler without an answer need not say so
      void;

export type Handler<C extends Contract> = (
  request: RequestOf<C>,
  reply: FastifyReply,
) => Promise<ResponseOf<C>>;

declare module 'fastify' {
  interface FastifyContextConfig {
    contract?: Contract;
    /** Whether a route without a contract of its own answers with a stream of events. */
    isStream?: boolean;
  }
  interface FastifyRequest {
    /** Claims of the caller's access token; null on routes that need none. */
    claims: AccessTokenClaims | null;
    /** The `Idempotency-Key` of a POST; null when it has none. */
    idempotencyKey: string | null;
  }
}

const jsonSchemas = new WeakMap<z.ZodType, object>();

/**
 * JSON Schema of an answer, for the compiled serializer: a field that the schema does not name never leaves.
 * `nullable` is folded into `type` so that no value is validated while it is written.
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
 * Puts a handler to its contract, as options for `app.route`. The app made by `createApp` validates the
 * request by the contract's schemas and checks the credential that its `auth` names; a role in a venue is
 * the handler's own to check, against the resource it loaded.
 */
export function route<C extends Contract>(contract: C, handler: Handler<C>): RouteOptions {
  const { response, status } = contract;
  const hasJsonAnswer = response !== undefined && !isRawBody(response);
  return {
    method: contract.method,
    url: contract.url,
    config: { contract },
    schema: {
      ...contract.schema,
      ...(hasJsonAnswer ? { response: { [status]: serializationSchema(response) } } : {}),
    },
    handler: hasJsonAnswer
      ? (request, reply) => {
          // An error puts its own status in the place of this one.
          reply.code(status);
          return handler(request as unknown as RequestOf<C>, reply);
        }
      : async (request, reply) => {
          const answer = await handler(request as unknown as RequestOf<C>, reply);
          // The handler took the connection over; `await` takes a reply for a promise, so `answer` does not tell.
          if (reply.sent) return;
          reply.code(status);
          if (response !== undefined) reply.type(response.contentType);
          return answer ?? reply.send();
        },
  };
}
