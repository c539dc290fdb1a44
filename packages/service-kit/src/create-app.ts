import { randomUUID } from 'node:crypto';
import { isEventStream } from '@queue-manager/contracts/live';
import { limits } from '@queue-manager/contracts/values';
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import type { z } from 'zod';
import type { VerifyAccessToken } from './access-tokens.ts';
import { isUuid } from './ids.ts';
import { requestIdHeader } from './internal-client.ts';
import { credentialHeader, isCredential } from './internal-credential.ts';
import { createRequestLogger, type Logger } from './logging.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { invalidField, isOutage, Problem, problems } from './problems.ts';
import { type RequestContext, runInContext, wellFormedContext } from './request-context.ts';
import { acceptSharedConnections, asksToShare } from './shared-connections.ts';

/** Asks one store or service whether it can be used; throws when not. */
export type ReadinessCheck = () => Promise<unknown>;

export type AppOptions = {
  logger: Logger;
  /** Names of what the service cannot work without, each with a way to ask it. */
  readiness: Record<string, ReadinessCheck>;
  internalCredential: string;
  /** Where a service counts things of its own; one is made when none is given. */
  metrics?: Metrics;
  /** Needed by services with routes for accounts. */
  verifyAccessToken?: VerifyAccessToken;
  /** Whether other services may have any number of requests on one connection; not by default. */
  sharesConnections?: boolean;
  /** Addresses or ranges of proxies whose forwarded headers count; none by default. */
  trustedProxies?: string[];
};

const readinessTimeoutMs = 2_000;
const retryAfterSeconds = 1;

/**
 * A Fastify app with what every service needs to be a good citizen: request ids, logs without personal
 * data, validation by contract, credentials, problem+json, `/livez`, `/readyz` and `/metrics`.
 */
export function createApp(options: AppOptions): FastifyInstance {
  const { logger, internalCredential } = options;
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // Our own line per answer names the route's pattern; Fastify's would name the address, tickets and all.
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    childLoggerFactory: (parent, bindings, given) =>
      createRequestLogger(parent as Logger, bindings, given) as unknown as FastifyBaseLogger,
    bodyLimit: limits.bodyBytes,
    ...(options.sharesConnections ? { http: { shouldUpgradeCallback: asksToShare } } : {}),
    trustProxy: options.trustedProxies?.length ? options.trustedProxies : false,
    genReqId: requestIdOf,
    routerOptions: { maxParamLength: 512, querystringParser: parseQuery },
    // Connections that are busy finish; idle ones would keep the process from stopping.
    forceCloseConnections: 'idle',
    // An address that cannot be read leads nowhere; Fastify's own answer would repeat it.
    frameworkErrors: (_error, request, reply) => {
      reply.header(requestIdHeader, request.id);
      sendProblem(nothingHere(), request, reply);
    },
  });
  if (options.sharesConnections) acceptSharedConnections(app, { internalCredential });

  app.decorateRequest('claims', null);
  app.decorateRequest('idempotencyKey', null);
  app.setValidatorCompiler(({ schema, httpPart }) =>
    validatorOf(schema as z.ZodType, httpPart ?? ''),
  );
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error, request);
    if (problem.status >= 500) request.log.error({ err: error.cause ?? error }, problem.code);
    return sendProblem(problem, request, reply);
  });
  app.setNotFoundHandler(() => {
    throw nothingHere();
  });

  // An empty body counts as none, so that `curl -X POST` needs no trick.
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parseJson(request, body as string, done);
  });

  // These hooks run for every request, so that they make promises only where there is something to wait for.
  app.addHook('onRequest', (request, _reply, done) => {
    runInContext(contextOf(request), done);
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(requestIdHeader, request.id);
    const contract = request.routeOptions.config.contract;
    if (contract === undefined) return done();
    const { auth } = contract;
    const admit = () => {
      // Answers to one caller hold names, contacts and tickets: nothing on the way or on a shared device keeps them.
      if (auth !== 'public') reply.header('cache-control', 'no-store');
      if (auth === 'ticket') reply.header('referrer-policy', 'no-referrer');
      if (contract.method === 'POST' && auth !== 'internal' && contract.service !== 'auth') {
        request.idempotencyKey = idempotencyKeyOf(request, auth);
      }
    };
    if (auth === 'internal') requireCredential(request, internalCredential);
    if (auth === 'internal' || auth === 'public' || auth === 'ticket') {
      admit();
      return done();
    }
    // A hook that gives a promise is done when that is.
    return claimsOf(request, options.verifyAccessToken).then((claims) => {
      request.claims = claims;
      admit();
    });
  });

  // A connection that is answered while the app stops must not stay open for a next request: the app would
  // wait for it.
  let isStopping = false;
  app.addHook('preClose', async () => {
    isStopping = true;
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (isStopping && request.raw.httpVersionMajor === 1) reply.header('connection', 'close');
    done();
  });

  const { metrics = createMetrics() } = options;
  app.addHook('onResponse', (request, reply, done) => {
    const { elapsedTime, statusCode } = reply;
    const routePattern = request.routeOptions.url ?? 'unknown';
    // How long a stream lasted says nothing about how fast it was answered.
    const { contract, isStream = contract !== undefined && isEventStream(contract) } =
      request.routeOptions.config;
    if (!isStream) {
      metrics.observeRequest(request.method, routePattern, statusCode, elapsedTime / 1_000);
    }
    const level = statusCode >= 500 ? 'warn' : statusCode >= 400 ? 'info' : 'debug';
    request.log[level](
      {
        method: request.method,
        route: routePattern,
        status: statusCode,
        ms: Math.round(elapsedTime),
      },
      'request',
    );
    done();
  });

  app.get('/livez', async () => ({ status: 'alive' }));
  // Asked again and again, most of all while things start: the answer says it all, the log need not.
  app.get('/readyz', { logLevel: 'silent' }, async () => {
    await checkReadiness(options.readiness);
    return { status: 'ready' };
  });
  app.get('/metrics', async (request, reply) => {
    requireCredential(request, internalCredential);
    return reply.type(metrics.contentType).send(await metrics.render());
  });
  return app;
}

function nothingHere(): Problem {
  return problems.notFound({ detail: 'There is no route at this address.' });
}

function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (problem.retryAfterSeconds !== undefined)
    reply.header('retry-after', problem.retryAfterSeconds);
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problem.toDetails(request.id));
}

/** Our own id of a request is well-formed, or has been found to be. */
function contextOf({ id, headers: { traceparent } }: FastifyRequest): RequestContext {
  if (traceparent === undefined) return { requestId: id };
  return { requestId: id, ...wellFormedContext({ traceparent }) };
}

function requestIdOf(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers[requestIdHeader];
  if (given === undefined) return randomUUID();
  return wellFormedContext({ requestId: given }).requestId ?? randomUUID();
}

/** A repeated parameter becomes an array, which no schema takes: it is refused by name, not guessed at. */
function parseQuery(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query[name];
    query[name] = before === undefined ? value : [before, value].flat();
  }
  return query;
}

function requireCredential(request: FastifyRequest, expected: string): void {
  if (!isCredential(request.headers[credentialHeader], expected)) {
    throw problems.unauthenticated({ detail: 'This route is internal.' });
  }
}

async function claimsOf(request: FastifyRequest, verify: VerifyAccessToken | undefined) {
  if (verify === undefined)
    throw new Error('This service was made without an access token verifier');
  return verify(bearerOf(request.headers.authorization));
}

/** The token of an `Authorization: Bearer` header. Throws `unauthenticated` when there is none. */
export function bearerOf(header: string | undefined): string {
  const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(header ?? '')?.[1];
  if (token === undefined) {
    throw problems.unauthenticated({
      detail: 'Send an access token in the header: Authorization: Bearer <token>.',
    });
  }
  return token;
}

function idempotencyKeyOf(request: FastifyRequest, auth: string): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  const isAnonymous = auth === 'public' || auth === 'ticket';
  const message = isAnonymous ? 'must be a UUID' : 'must have 1 to 255 characters';
  const isGood =
    typeof key === 'string' && (isAnonymous ? isUuid(key) : key.length >= 1 && key.length <= 255);
  if (isGood) return key as string;
  throw problems.validationFailed({
    detail: `Idempotency-Key ${message}.`,
    errors: [{ path: 'Idempotency-Key', message }],
  });
}

/** Messages for the most common mistakes, where the contract has none. */
function plainWords(issue: { code?: string; input?: unknown; expected?: unknown }) {
  if (issue.code !== 'invalid_type') return undefined;
  if (issue.input === undefined) return 'is required';
  return typeof issue.expected === 'string' ? `must be of type ${issue.expected}` : undefined;
}

function validatorOf(schema: z.ZodType, httpPart: string) {
  return (value: unknown) => {
    const parsed = schema.safeParse(value ?? undefined, { error: plainWords });
    if (parsed.success) return { value: parsed.data };
    // An id of the wrong form cannot exist: the same 404 as for one that does not.
    if (httpPart === 'params') return { error: problems.notFound() };
    const errors = parsed.error.issues.flatMap((issue) => {
      const path = issue.path.join('.');
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => ({
          path: path === '' ? key : `${path}.${key}`,
          message: 'is not a known field',
        }));
      }
      return [{ path: path === '' ? httpPart : path, message: issue.message }];
    });
    const detail = errors.map((error) => `${error.path}: ${error.message}`).join('; ');
    return { error: problems.validationFailed({ detail, errors }) };
  };
}

function toProblem(error: FastifyError, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error.validation !== undefined && error.cause instanceof Problem) return error.cause;
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problems.unsupportedMediaType({
        detail: 'Send JSON with Content-Type: application/json.',
      });
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problems.payloadTooLarge({
        detail: `The body can be up to ${limits.bodyBytes} bytes.`,
      });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return invalidField('body', 'does not match its Content-Length');
  }
  if (isOutage(error)) {
    return problems.unavailable({ cause: error, retryAfterSeconds });
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    const isBody = error instanceof SyntaxError || error.code?.startsWith('FST_ERR_CTP');
    return problems.validationFailed({
      detail: isBody ? 'The body is not valid JSON.' : 'The request is not valid.',
      errors: [
        {
          path: isBody ? 'body' : request.method,
          message: isBody ? 'is not valid JSON' : 'is not valid',
        },
      ],
    });
  }
  return problems.internalError({
    detail: 'Please try again. If it keeps happening, send the requestId to support.',
    cause: error,
  });
}

async function checkReadiness(checks: Record<string, ReadinessCheck>): Promise<void> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        await withTimeout(check(), readinessTimeoutMs);
        return null;
      } catch {
        return name;
      }
    }),
  );
  const away = results.filter((name) => name !== null);
  if (away.length > 0) {
    throw problems.unavailable({ detail: `Not ready: ${away.join(', ')}.`, retryAfterSeconds });
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('timed out')), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
