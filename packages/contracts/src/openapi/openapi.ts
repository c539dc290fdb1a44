import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { type Contract, isRawBody } from '../contract.ts';
import { commonProblems, type ProblemCode, ProblemDetails, problemTypes } from '../problems.ts';
import { publicContracts } from '../registry.ts';
import { type GatewayContract, gatewayContracts } from '../service.ts';
import { refreshCookie, tokenLives } from '../tokens.ts';
import { limits } from '../values.ts';
import { examples } from './examples.ts';

type Json = Record<string, unknown>;
type Io = 'input' | 'output';
type Documented = Contract | GatewayContract;

/** An OpenAPI 3.1 document, ready for `JSON.stringify`. */
export type OpenApiDocument = {
  openapi: '3.1.0';
  info: Json;
  servers: Json[];
  tags: Json[];
  paths: Record<string, Record<string, Json>>;
  components: Record<string, Json>;
};

const tagDescriptions: Record<Documented['service'], string> = {
  user: 'Accounts: sign-up, verification, profile, passwords',
  auth: 'Tokens and sessions',
  queue: 'Venues, queues and parties; joining as a guest',
  position: 'Places in the line, boards and live streams',
  broker: "The message queue for a venue's own programs",
  gateway: 'Health of the whole system',
};

const memberRoles: readonly string[] = ['host', 'manager', 'owner'];

/** The files of `swagger/` by name: one per service with public routes, and `openapi.json` with every route. */
export function openApiDocuments(): Map<string, OpenApiDocument> {
  const services = [...new Set(publicContracts.map((contract) => contract.service))].sort();
  const byService = services.map((service): [string, OpenApiDocument] => [
    `${service}.json`,
    openApiOf(
      `Queue Manager: ${service} service`,
      publicContracts.filter((contract) => contract.service === service),
    ),
  ]);
  return new Map([...byService, ['openapi.json', mergedOpenApi()]]);
}

/** The document of every route that the gateway serves. */
export function mergedOpenApi(): OpenApiDocument {
  return openApiOf('Queue Manager', [...publicContracts, ...gatewayContracts]);
}

/** Documents routes from their contracts. Throws if two share an operationId or a path. */
export function openApiOf(title: string, contracts: readonly Documented[]): OpenApiDocument {
  const schemas = createSchemas();
  const responses: Json = {};
  const paths: OpenApiDocument['paths'] = {};
  const operationIds = new Set<string>();
  for (const contract of contracts) {
    const path = contract.url.replace(/:(\w+)/g, '{$1}');
    const method = contract.method.toLowerCase();
    paths[path] ??= {};
    if (paths[path][method] !== undefined) throw new Error(`${method} ${path} is defined twice`);
    if (operationIds.has(contract.operationId)) {
      throw new Error(`The operationId ${contract.operationId} is used twice`);
    }
    operationIds.add(contract.operationId);
    paths[path][method] = operationOf(contract, { schemas, responses });
  }
  return {
    openapi: '3.1.0',
    info: {
      title,
      version: packageJson.version,
      description: [
        'Run the waiting line of a restaurant, bar or nightclub.',
        '',
        'Times are RFC 3339 in UTC; durations are in seconds. Every error is `application/problem+json` (RFC 9457), and its `type` ends in one of the codes listed with each status. Lists are `{ data, nextCursor }`: to get the next page, pass `nextCursor` as `cursor` until it is null. Responses may gain fields at any time.',
        '',
        'Retry a 429 or 503 after `Retry-After` seconds, and send an `Idempotency-Key` with every POST that you may repeat. Every address responds with 405 to the methods that it does not have, with 408 to a request that comes too slowly, and with 431 to more than 16 KiB of headers.',
      ].join('\n'),
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The gateway that serves this document' }],
    tags: [...new Set(contracts.map((contract) => contract.service))].map((service) => ({
      name: service,
      description: tagDescriptions[service],
    })),
    paths,
    components: {
      schemas: schemas.components(),
      responses: sorted(responses),
      parameters: {
        IdempotencyKey: idempotencyKey({ type: 'string', minLength: 1, maxLength: 255 }),
        IdempotencyKeyOfGuest: idempotencyKey({ type: 'string', format: 'uuid' }),
        LastEventId: {
          name: 'Last-Event-ID',
          in: 'header',
          required: false,
          description:
            'The id of the last event received; the stream resumes after it. Browsers send it when they reconnect.',
          schema: { type: 'string' },
        },
      },
      headers: {
        Allow: {
          description: 'The methods that this address has',
          schema: { type: 'string' },
        },
        ContentDisposition: {
          description: 'Suggests a file name',
          schema: { type: 'string' },
        },
        RateLimitLimit: {
          description: 'Calls allowed in a minute; `x-rate-limit` names what they are counted by',
          schema: { type: 'integer' },
        },
        RateLimitRemaining: {
          description: 'Calls left in this minute',
          schema: { type: 'integer' },
        },
        RateLimitReset: {
          description: 'Seconds until all calls are allowed again',
          schema: { type: 'integer' },
        },
        RequestId: {
          description: 'Identifies this request; quote it to support',
          schema: { type: 'string' },
        },
        RefreshCookie: {
          description:
            'The refresh cookie, where the call uses it: with its new token, or with `Max-Age=0` after signing out',
          schema: { type: 'string' },
          example: `${cookieName}=fU8MHlOhSkScDg07i5ofAQAAAAE; Max-Age=${tokenLives.refreshSeconds}; Path=${refreshCookie.path}; HttpOnly; Secure; SameSite=Strict`,
        },
        RetryAfter: {
          description: 'Seconds to wait before trying again',
          schema: { type: 'integer' },
        },
      },
      securitySchemes: {
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            "The `accessToken` from signing in. An operation's `x-required-role` is the minimum role in the venue that owns the resource.",
        },
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description:
            "An API key of the venue, which begins with `qm_`. Managers create it for the venue's own programs.",
        },
        refreshCookie: {
          type: 'apiKey',
          in: 'cookie',
          name: cookieName,
          description: `The cookie that signing in with \`session: cookie\` sets. Browsers send it from pages of this origin only. Over plain HTTP, its name is \`${refreshCookie.name}\`.`,
        },
      },
    },
  };
}

const cookieName = refreshCookie.securePrefix + refreshCookie.name;

const idempotencyKey = (schema: Json): Json => ({
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Makes retries safe: for 24 hours, the same key with the same body gets the first response again.',
  schema,
});

/** Components that operations refer to, collected on the way. */
type Components = { schemas: Schemas; responses: Json };

function operationOf(contract: Documented, components: Components): Json {
  const { schemas } = components;
  const { auth, schema } = contract;
  const isAccountRoute = auth !== 'public' && auth !== 'ticket';
  const isIdempotent = contract.method === 'POST' && contract.service !== 'auth';
  const { response } = contract;
  const isResumable = response !== undefined && isRawBody(response) && response.isResumable;
  const parameters = [
    ...parametersOf(schema.params, 'path', schemas),
    ...parametersOf(schema.querystring, 'query', schemas),
    ...(isIdempotent
      ? [
          {
            $ref: `#/components/parameters/IdempotencyKey${isAccountRoute ? '' : 'OfGuest'}`,
          },
        ]
      : []),
    ...(isResumable ? [{ $ref: '#/components/parameters/LastEventId' }] : []),
  ];
  const problems = new Set<ProblemCode>([
    ...contract.problems,
    ...commonProblems,
    'method-not-allowed',
    ...(isAccountRoute ? (['unauthenticated'] as const) : []),
    ...(isIdempotent ? (['idempotency-key-reused'] as const) : []),
    ...(schema.body === undefined
      ? []
      : (['payload-too-large', 'unsupported-media-type'] as const)),
  ]);
  return {
    operationId: contract.operationId,
    summary: contract.summary,
    ...(contract.description === undefined ? {} : { description: contract.description }),
    tags: [contract.service],
    security: securityOf(contract),
    ...(memberRoles.includes(auth) ? { 'x-required-role': auth } : {}),
    'x-rate-limit': contract.rateLimit,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(schema.body === undefined
      ? {}
      : { requestBody: requestBodyOf(contract, schema.body, schemas) }),
    responses: {
      [contract.status]: successOf(contract, schemas),
      ...problemResponses(problems, components),
    },
  };
}

/** Alternatives; an empty one means that the call needs none. */
function securityOf({ auth, usesRefreshCookie }: Documented): Json[] {
  const isAnonymous = auth === 'public' || auth === 'ticket';
  if (usesRefreshCookie) return [isAnonymous ? {} : { accessToken: [] }, { refreshCookie: [] }];
  if (isAnonymous) return [];
  return [auth === 'key' ? { apiKey: [] } : { accessToken: [] }];
}

function parametersOf(
  schema: z.ZodObject | undefined,
  where: 'path' | 'query',
  schemas: Schemas,
): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemas.add(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description } = property;
    // Not a copy: a reference gets its final name later.
    delete property.description;
    return {
      name,
      in: where,
      required: where === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: property,
    };
  });
}

function requestBodyOf(
  { operationId, bodyBytesMax = limits.bodyBytes }: Documented,
  body: z.ZodType,
  schemas: Schemas,
): Json {
  const schema = schemas.add(body, 'input', `${pascalCase(operationId)}Request`);
  return {
    required: !body.safeParse(undefined).success,
    description: `Up to ${bodyBytesMax / 1_024} KiB.`,
    content: { 'application/json': { schema, ...exampleOf(examples[operationId]?.request) } },
  };
}

const exampleOf = (example: unknown): Json => (example === undefined ? {} : { example });

function successOf(contract: Documented, schemas: Schemas): Json {
  const { operationId, response } = contract;
  const head = {
    description: descriptionOfSuccess[contract.status],
    headers: {
      ...(contract.service === 'gateway' ? requestIdHeader : countedHeaders),
      ...(contract.usesRefreshCookie ? refreshCookieHeader : {}),
    },
  };
  if (response === undefined) return head;
  const example = exampleOf(examples[operationId]?.response);
  if (!isRawBody(response)) {
    const schema = schemas.add(response, 'output', `${pascalCase(operationId)}Response`);
    return { ...head, content: { 'application/json': { schema, ...example } } };
  }
  const { contentType, events, isFile } = response;
  if (events !== undefined) {
    // Generators that know event streams take the schema for that of an event's data.
    const schema = schemas.add(events.data, 'output');
    return {
      ...head,
      description: `Server-sent events named ${events.names.map((name) => `\`${name}\``).join(' or ')}; the \`data\` of each is JSON of this schema`,
      content: { [contentType]: { schema, 'x-event-names': events.names, ...example } },
    };
  }
  const disposition = { $ref: '#/components/headers/ContentDisposition' };
  return {
    ...head,
    headers: { ...head.headers, ...(isFile ? { 'content-disposition': disposition } : {}) },
    // Client generators recognise a binary body by this format.
    content: { [contentType]: { schema: { type: 'string', format: 'binary' }, ...example } },
  };
}

const requestIdHeader = { 'x-request-id': { $ref: '#/components/headers/RequestId' } };
const rateLimitHeaders = {
  'ratelimit-limit': { $ref: '#/components/headers/RateLimitLimit' },
  'ratelimit-remaining': { $ref: '#/components/headers/RateLimitRemaining' },
  'ratelimit-reset': { $ref: '#/components/headers/RateLimitReset' },
};
const refreshCookieHeader = { 'set-cookie': { $ref: '#/components/headers/RefreshCookie' } };
const countedHeaders = { ...requestIdHeader, ...rateLimitHeaders };

const descriptionOfSuccess = {
  200: 'Success',
  201: 'Created',
  202: 'Accepted; processing continues in the background',
  204: 'Success, without content',
} as const satisfies Record<Contract['status'], string>;

function problemResponses(problems: ReadonlySet<ProblemCode>, components: Components): Json {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of Object.keys(problemTypes) as ProblemCode[]) {
    if (!problems.has(code)) continue;
    const { status } = problemTypes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const name = codes.length === 1 ? pascalCase(codes[0] as string) : null;
      if (name === null) return [status, problemResponse(status, codes, components.schemas)];
      components.responses[name] ??= problemResponse(status, codes, components.schemas);
      return [status, { $ref: `#/components/responses/${name}` }];
    }),
  );
}

function problemResponse(status: number, codes: ProblemCode[], schemas: Schemas): Json {
  return {
    description: codes.map((code) => `\`${code}\`: ${problemTypes[code].title}.`).join(' '),
    headers: {
      ...requestIdHeader,
      ...(status === 429 ? rateLimitHeaders : {}),
      ...(status === 405 ? { allow: { $ref: '#/components/headers/Allow' } } : {}),
      ...(status === 429 || status === 503
        ? { 'retry-after': { $ref: '#/components/headers/RetryAfter' } }
        : {}),
    },
    content: { 'application/problem+json': { schema: schemas.add(ProblemDetails, 'output') } },
  };
}

function pascalCase(code: string): string {
  return code.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
}

function sorted(named: Json): Json {
  return Object.fromEntries(
    Object.entries(named).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

type Schemas = {
  /** JSON Schema of a zod schema; schemas with an id, or a name here, become components and are referenced. */
  add(schema: z.ZodType, io: Io, name?: string): Json;
  /** The components of everything added. Call it last: it settles their names. */
  components(): Json;
};

const refPrefix = '#/$defs/';

/**
 * Collects the schemas of one document. A schema can differ between request and response: a default makes a field
 * optional in the request and required in the response. The response then keeps the id as its name, and the request
 * uses `<id>Input`.
 */
function createSchemas(): Schemas {
  const definitions: Record<Io, Map<string, Json>> = { input: new Map(), output: new Map() };
  const references: { io: Io; holder: Json }[] = [];

  const differs = (id: string, seen = new Set<string>()): boolean => {
    const request = definitions.input.get(id);
    const response = definitions.output.get(id);
    if (request === undefined || response === undefined || seen.has(id)) return false;
    if (JSON.stringify(request) !== JSON.stringify(response)) return true;
    seen.add(id);
    return refsIn(request).some((holder) => differs(idOf(holder), seen));
  };

  return {
    add(schema, io, name) {
      const { $schema, $defs, ...root } = z.toJSONSchema(schema, {
        io,
        override: ({ jsonSchema }) => tidy(jsonSchema as Json, io),
      }) as Json & { $defs?: Record<string, Json> };
      for (const [id, definition] of Object.entries($defs ?? {})) {
        if (definitions[io].has(id)) continue;
        definitions[io].set(id, definition);
        references.push(...refsIn(definition).map((holder) => ({ io, holder })));
      }
      references.push(...refsIn(root).map((holder) => ({ io, holder })));
      if (name === undefined || root.$ref !== undefined) return root;
      definitions[io].set(name, root);
      const holder = { $ref: `${refPrefix}${name}` };
      references.push({ io, holder });
      return holder;
    },
    components() {
      const nameOf = (id: string, io: Io) => (io === 'input' && differs(id) ? `${id}Input` : id);
      const named = (['output', 'input'] as const).flatMap((io) =>
        [...definitions[io]].map(([id, definition]) => [nameOf(id, io), definition] as const),
      );
      const names = references.map(({ io, holder }) => nameOf(idOf(holder), io));
      references.forEach(({ holder }, index) => {
        holder.$ref = `#/components/schemas/${names[index]}`;
      });
      return sorted(Object.fromEntries(named));
    },
  };
}

function idOf(holder: Json): string {
  return String(holder.$ref).slice(refPrefix.length);
}

function refsIn(value: unknown): Json[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Json;
  const own = typeof holder.$ref === 'string' && holder.$ref.startsWith(refPrefix) ? [holder] : [];
  return [...own, ...Object.values(holder).flatMap(refsIn)];
}

/** Drops what tells readers nothing, and the promise that a response never gains a field. */
function tidy(schema: Json, io: Io): void {
  if (schema.format !== undefined) delete schema.pattern;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (io === 'output' && schema.additionalProperties === false) delete schema.additionalProperties;
}
