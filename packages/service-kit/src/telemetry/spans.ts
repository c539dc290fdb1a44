import {
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  currentContext,
  isSampled,
  runInSpan,
  type TraceContext,
  wellFormedContext,
} from '../trace-context.ts';

export { type Span, SpanKind } from '@opentelemetry/api';

/** Makes spans that go nowhere until `exportTraces` is called. */
const tracer = trace.getTracer('queue-manager');

/** Starts a span of the trace of `context`; undefined if that is not sampled. End it with `endSpan`. */
export function startSpan(
  name: string,
  options: SpanOptions,
  context: TraceContext | undefined,
): Span | undefined {
  return isSampled(context) ? startChild(name, options, context.traceparent) : undefined;
}

/** Ends a span; `error`, if there is one, marks it as failed. */
export function endSpan(span: Span, error?: unknown): void {
  if (error !== undefined) {
    // The name alone: a text may quote values.
    span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).name });
  }
  span.end();
}

/** The trace context for what follows from a span. */
export function contextOfSpan(span: Span, context: TraceContext = {}): TraceContext {
  return { ...context, traceparent: traceparentOf(span) };
}

/** Runs `work` as a span of the current trace. Costs nothing if that is not sampled. */
export async function withSpan<T>(
  name: string,
  options: SpanOptions,
  work: () => Promise<T>,
): Promise<T> {
  const span = startSpan(name, options, currentContext());
  if (span === undefined) return work();
  let failure: unknown;
  try {
    return await runInSpan(traceparentOf(span), work);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    endSpan(span, failure);
  }
}

/**
 * The trace context in which a request is handled: that of a span of its own, if it is sampled. The caller has decided
 * that, unless `ratio` is set: then this process decides, and keeps nothing of the caller's but its trace id.
 */
export function contextOfRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  ratio?: number,
): TraceContext {
  const { id: requestId, headers, routeOptions } = request;
  const context =
    headers.traceparent === undefined
      ? {}
      : wellFormedContext({ traceparent: headers.traceparent });
  const { traceparent: received }: TraceContext = context;
  const isChosen =
    ratio === undefined
      ? isSampled(context)
      : // The span of a stream would last for hours.
        ratio > 0 && routeOptions.config.isStream !== true && Math.random() < ratio;
  if (!isChosen) {
    if (received === undefined) return { requestId };
    return { requestId, traceparent: ratio === undefined ? received : unsampled(received) };
  }
  const span = startServerSpan(request, reply, received);
  return { requestId, traceparent: traceparentOf(span) };
}

function startServerSpan(
  { id, method, routeOptions }: FastifyRequest,
  { raw }: FastifyReply,
  parent: string | undefined,
): Span {
  // The pattern, never the URL: a ticket must not get into a trace.
  const route = routeOptions.url ?? 'unknown';
  const attributes = { 'http.request.method': method, 'http.route': route, 'request.id': id };
  const span = startChild(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
  raw.once('close', () => {
    span.setAttribute('http.response.status_code', raw.statusCode);
    if (raw.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  return span;
}

function startChild(name: string, options: SpanOptions, parent: string | undefined): Span {
  if (parent === undefined) return tracer.startSpan(name, options, ROOT_CONTEXT);
  const [, traceId = '', spanId = ''] = parent.split('-');
  const remote = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return tracer.startSpan(name, options, trace.setSpanContext(ROOT_CONTEXT, remote));
}

function traceparentOf(span: Span): string {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
}

function unsampled(traceparent: string): string {
  return `${traceparent.slice(0, -2)}00`;
}
