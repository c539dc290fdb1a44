import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { maxHeaderSize, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { isRawBody } from '@queue-manager/contracts/contract';
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
import pTimeout from 'p-timeout';
import type { z } from 'zod';
import type { VerifyAccessToken } from './access-tokens.ts';
import { isUuid } from './ids.ts';
import { requestIdHeader } from './internal-client.ts';
import { credentialHeader, isCredential } from './internal-credential.ts';
import { deadlineHeader, deadlineOf } from './limits/deadline.ts';
import { createRequestLogger, type Logger } from './logging.ts';
import { invalidField, isOutage, Problem, problems } from './problems.ts';
import type { ApiKeyOwner } from './route.ts';
import { acceptSharedConnections, isSharedUpgrade } from './shared-connections.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { contextOfRequest } from './telemetry/spans.ts';
import { runInContext, wellFormedContext } from './trace-context.ts';
import { faultText } from './validation/fault-text.ts';

/** Finds whose API key it is. Throws `unauthenticated` when it is nobody's, `unavailable` when that cannot be checked. */
export type VerifyApiKey = (key: string) => Promise<ApiKeyOwner>;

/** Throws when a store or service is unavailable. */
export type ReadinessCheck = () => Promise<unknown>;

type AppOptions = {
  logger: Logger;
  /** Checks of everything that the service cannot work without, by name. */
  readiness: Record<string, ReadinessCheck>;
  internalCredential: string;
  /** For a service with metrics of its own; created by default. */
  metrics?: Metrics;
  /** Required by services with routes that need an access token. */
  verifyAccessToken?: VerifyAccessToken;
  /** Required by services with routes that need an API key. */
  verifyApiKey?: VerifyApiKey;
  /** Whether other services may multiplex requests over one connection; false by default. */
  sharesConnections?: boolean;
  /** How long a response may take besides `waitMsMax` of its route; by default, what the caller's header allows. */
  timeoutMs?: number;
  /** Share of requests to trace, for the service that decides; by default, those that the caller has chosen. */
  traceRatio?: number;
  /** Addresses or ranges of proxies whose `X-Forwarded-*` headers are trusted; none by default. */
  trustedProxies?: string[];
};

const readinessTimeoutMs = 2_000;
const retryAfterSeconds = 1;
const paramLengthMax = 512;
const pathWithoutRoute = '/unreadable-url';
/** Of a field's path in a problem. */
const pathLengthMax = 100;

/**
 * A Fastify app with everything that services have in common: request ids, logs without personal data,
 * validation by contract, credentials, problem+json, `/livez`, `/readyz` and `/metrics`.
 */
export function createApp(options: AppOptions): FastifyInstance {
  const { logger, internalCredential } = options;
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // We log the route's pattern for each response: Fastify would log the URL, including tickets.
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    childLoggerFactory: (parent, bindings, options) =>
      createRequestLogger(parent as Logger, bindings, options) as unknown as FastifyBaseLogger,
    bodyLimit: limits.bodyBytes,
    http: {
      // Node looks for late requests every 30 s by default.
      connectionsCheckingInterval: 1_000,
      // Node's own refusal has no body.
      requireHostHeader: false,
      ...(options.sharesConnections ? { shouldUpgradeCallback: isSharedUpgrade } : {}),
    },
    trustProxy: options.trustedProxies?.length ? options.trustedProxies : false,
    genReqId: requestIdOf,
    routerOptions: { maxParamLength: paramLengthMax, querystringParser: parseQuery },
    // Such a URL has no route; Fastify would respond itself, without the hooks that add headers for browsers.
    rewriteUrl({ url = '/' }) {
      const target = withoutAuthority(url);
      return isReadable(target) ? target : pathWithoutRoute;
    },
    clientErrorHandler: refuseUnreadable,
    // What arrives on a connection while the app stops is handled; Fastify's own refusal would be no problem+json.
    return503OnClosing: false,
    // Busy connections finish; idle ones would keep the process alive.
    forceCloseConnections: 'idle',
  });
  if (options.sharesConnections) acceptSharedConnections(app, { internalCredential });
  // An expectation that nobody knows may be ignored (RFC 9110, section 10.1.1); Node would refuse it without a body.
  app.server.on('checkExpectation', (request, response) =>
    app.server.emit('request', request, response),
  );

  app.decorateRequest('claims', null);
  app.decorateRequest('apiKey', null);
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
    throw routeNotFound();
  });

  // An empty body counts as no body, so that a plain `curl -X POST` works.
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    let text: string;
    try {
      text = jsonText(body as Buffer, request.headers['content-type']);
    } catch (error) {
      return done(error as Problem);
    }
    if (text === '') done(null, undefined);
    else parseJson(request, text, done);
  });

  // A stream or download may take any time once it has begun.
  const { timeoutMs } = options;
  const deadlineFor = ({ headers, routeOptions: { config } }: FastifyRequest) => {
    if (config.isStream === true || isRawBody(config.contract?.response)) return undefined;
    return timeoutMs === undefined
      ? deadlineOf(headers[deadlineHeader])
      : performance.now() + timeoutMs + (config.waitMsMax ?? 0);
  };

  // These hooks run for every request. They return a promise only when there is something to wait for.
  app.addHook('onRequest', (request, reply, done) => {
    const deadline = { at: deadlineFor(request) };
    // Work that goes on after the response has all the time it needs.
    if (deadline.at !== undefined) reply.raw.once('finish', () => (deadline.at = undefined));
    runInContext(contextOfRequest(request, reply, options.traceRatio), done, deadline);
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(requestIdHeader, request.id);
    const { httpVersion, headers } = request.raw;
    if (httpVersion === '1.1' && headers.host === undefined) {
      throw invalidField('Host', 'is required');
    }
    const contract = request.routeOptions.config.contract;
    if (contract === undefined) return done();
    const { auth } = contract;
    const admit = () => {
      // Responses to one caller hold names, contacts and tickets: no proxy or shared device may cache them.
      if (auth !== 'public') reply.header('cache-control', 'no-store');
      if (auth === 'ticket') reply.header('referrer-policy', 'no-referrer');
      if (contract.method === 'POST' && auth !== 'internal' && contract.service !== 'auth') {
        request.idempotencyKey = idempotencyKeyOf(request, auth);
      }
    };
    if (auth === 'internal') requireCredential(request, internalCredential);
    if (auth === 'internal' || auth === 'public' || auth === 'ticket' || auth === 'session') {
      admit();
      return done();
    }
    // Fastify waits for a returned promise instead of `done`.
    if (auth === 'key') {
      return ownerOf(request, options.verifyApiKey).then((owner) => {
        request.apiKey = owner;
        admit();
      });
    }
    return claimsOf(request, options.verifyAccessToken).then((claims) => {
      request.claims = claims;
      admit();
    });
  });

  // A keep-alive connection that gets its response while the app stops would delay the stop.
  let isStopping = false;
  const endConnections = () => {
    isStopping = true;
  };
  app.decorate('endConnections', endConnections);
  app.addHook('preClose', async () => endConnections());
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (isStopping && request.raw.httpVersionMajor === 1) reply.header('connection', 'close');
    done();
  });

  const { metrics = createMetrics() } = options;
  const observeRequest = metrics.histogram('http_request_duration_seconds');
  app.addHook('onResponse', (request, reply, done) => {
    const { elapsedTime, statusCode } = reply;
    const routePattern = request.routeOptions.url ?? 'unknown';
    // The duration of a stream says nothing about response times.
    const { contract, isStream = contract !== undefined && isEventStream(contract) } =
      request.routeOptions.config;
    if (!isStream) {
      // The pattern, never the URL: a ticket must not become a label.
      observeRequest(elapsedTime / 1_000, {
        method: request.method,
        route: routePattern,
        status: String(statusCode),
      });
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
  // Polled constantly, most of all during a start: not worth a log line.
  app.get('/readyz', { logLevel: 'silent' }, async () => {
    await checkReadiness(options.readiness);
    return { status: 'ready' };
  });
  app.get('/metrics', async (request, reply) => {
    // Prometheus sends it as a bearer token.
    const [, bearer] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    if (!isCredential(bearer, internalCredential)) requireCredential(request, internalCredential);
    return reply.type(metrics.contentType).send(await metrics.render());
  });
  return app;
}

/** The path of an absolute URL, which a proxy may send: its router would refuse some hosts, in words of its own. */
function withoutAuthority(url: string): string {
  return url.replace(/^https?:\/\/[^/?#]*(?=\/)/i, '');
}

/** Whether a router can take the URL apart. */
function isReadable(url: string): boolean {
  if (!url.startsWith('/') && url !== '*') return false;
  const [path = ''] = url.split('?', 1);
  try {
    return decodeURIComponent(path)
      .split('/')
      .every(({ length }) => length <= paramLengthMax);
  } catch {
    return false;
  }
}

/** Responds to what is not HTTP, is too large or comes too slowly; there may be no request yet. */
function refuseUnreadable({ code }: { code?: string }, socket: Socket): void {
  // Not into a response that has begun; this is where Node looks, too.
  const { _httpMessage: response } = socket as Socket & { _httpMessage?: ServerResponse | null };
  const hasBegun = response?.headersSent === true;
  if (code === 'ECONNRESET' || !socket.writable || hasBegun) return void socket.destroy();
  const problem = unreadableProblem(code);
  const requestId = randomUUID();
  const body = JSON.stringify(problem.toDetails(requestId));
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      'x-content-type-options: nosniff',
      `${requestIdHeader}: ${requestId}`,
      '',
      body,
    ].join('\r\n'),
  );
}

function unreadableProblem(code: string | undefined): Problem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return problems.requestTimeout();
    case 'HPE_HEADER_OVERFLOW':
      return problems.headersTooLarge({
        detail: `The headers may have up to ${maxHeaderSize / 1_024} KiB together.`,
      });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return problems.payloadTooLarge();
    default:
      return problems.validationFailed({
        detail: 'The request could not be read.',
        errors: [{ path: 'request', message: 'could not be read' }],
      });
  }
}

function routeNotFound(): Problem {
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

function requestIdOf(request: { headers: Record<string, string | string[] | undefined> }): string {
  const sent = request.headers[requestIdHeader];
  if (sent === undefined) return randomUUID();
  return wellFormedContext({ requestId: sent }).requestId ?? randomUUID();
}

/** A repeated parameter becomes an array. No schema accepts one, so validation names the parameter. */
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
  if (verify === undefined) throw new Error('createApp needs verifyAccessToken for this route');
  return verify(bearerOf(request.headers.authorization));
}

async function ownerOf(request: FastifyRequest, verify: VerifyApiKey | undefined) {
  if (verify === undefined) throw new Error('createApp needs verifyApiKey for this route');
  return verify(bearerOf(request.headers.authorization, 'an API key'));
}

/** The token of an `Authorization: Bearer` header. Throws `unauthenticated` when there is none. */
export function bearerOf(header: string | undefined, what = 'an access token'): string {
  const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(header ?? '')?.[1];
  if (token === undefined) {
    throw problems.unauthenticated({
      detail: `Send ${what} in the header: Authorization: Bearer <token>.`,
    });
  }
  return token;
}

/** The text of a JSON body, without a byte order mark. JSON is UTF-8 (RFC 8259): throws a problem for anything else. */
export function jsonText(body: Buffer, contentType: string | undefined): string {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw problems.unsupportedMediaType({ detail: 'Send JSON in UTF-8.' });
  }
  if (!isUtf8(body)) throw invalidField('body', 'is not valid UTF-8');
  return body.toString().replace(/^\ufeff/, '');
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

function validatorOf(schema: z.ZodType, httpPart: string) {
  return (value: unknown) => {
    const parsed = schema.safeParse(value ?? undefined, { error: faultText });
    if (parsed.success) return { value: parsed.data };
    // A malformed id cannot exist, so it gets the same 404 as an unknown one.
    if (httpPart === 'params') return { error: problems.notFound() };
    // A body can hold thousands of wrong fields, with names of any length.
    const { fieldErrorsMax } = limits;
    const errors = parsed.error.issues.slice(0, fieldErrorsMax).flatMap((issue) => {
      const path = issue.path.join('.');
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.slice(0, fieldErrorsMax).map((key) => ({
          path: (path === '' ? key : `${path}.${key}`).slice(0, pathLengthMax),
          message: 'is not a known field',
        }));
      }
      return [{ path: path === '' ? httpPart : path, message: issue.message }];
    });
    const named = errors.slice(0, fieldErrorsMax);
    const detail = named.map((error) => `${error.path}: ${error.message}`).join('; ');
    return { error: problems.validationFailed({ detail, errors: named }) };
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
        detail: `The body can be up to ${request.routeOptions.bodyLimit} bytes.`,
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
        await pTimeout(check(), { milliseconds: readinessTimeoutMs });
        return null;
      } catch {
        return name;
      }
    }),
  );
  const unavailable = results.filter((name) => name !== null);
  if (unavailable.length > 0) {
    throw problems.unavailable({
      detail: `Not ready: ${unavailable.join(', ')}.`,
      retryAfterSeconds,
    });
  }
}
