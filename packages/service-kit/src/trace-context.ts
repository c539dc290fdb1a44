import { AsyncLocalStorage } from 'node:async_hooks';

/** The trace context of the request that work is done for, for logs and traces only. */
export type TraceContext = {
  requestId?: string;
  /** W3C Trace Context. */
  traceparent?: string;
};

/** Accepted forms. Anything else is dropped, so that it cannot forge log lines. */
const forms: Record<keyof TraceContext, RegExp> = {
  requestId: /^[A-Za-z0-9._-]{1,64}$/,
  traceparent: /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/,
};

/** Until when somebody waits for a result, on the clock of `performance.now()`; undefined for ever. */
export type Deadline = { at: number | undefined };

/** How long after its deadline all work of a request has ended. */
const abandonedMs = 30_000;

const storage = new AsyncLocalStorage<{ context: TraceContext; deadline: Deadline | undefined }>();

/**
 * Runs `fn`, and everything it starts, in a context. An empty one means that the work belongs to no single request.
 * There is no deadline by default.
 */
export function runInContext<T>(context: TraceContext, fn: () => T, deadline?: Deadline): T {
  return storage.run({ context, deadline }, fn);
}

/** Runs `fn` in the current context, as part of another span. */
export function runInSpan<T>(traceparent: string, fn: () => T): T {
  const { context, deadline } = storage.getStore() ?? {};
  return storage.run({ context: { ...context, traceparent }, deadline }, fn);
}

/** Runs work that several requests wait for, or none: in the context of the one that started it, without its deadline. */
export function withoutDeadline<T>(fn: () => T): T {
  return runInContext(currentContext() ?? {}, fn);
}

/** The context of the running code; undefined outside of any. */
export function currentContext(): TraceContext | undefined {
  return storage.getStore()?.context;
}

/**
 * The deadline of the running code, on the clock of `performance.now()`; undefined if there is none. What still runs long
 * after it is not for the request that began it.
 */
export function currentDeadline(): number | undefined {
  const at = storage.getStore()?.deadline?.at;
  return at === undefined || performance.now() - at > abandonedMs ? undefined : at;
}

/** Whether spans are made of a trace. */
export function isSampled(
  context: TraceContext | undefined,
): context is { traceparent: string } & TraceContext {
  const { traceparent } = context ?? {};
  return traceparent !== undefined && (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;
}

/** The ids of a context as logged. */
export function idsForLog(context: TraceContext | undefined): {
  requestId?: string;
  traceId?: string;
} {
  const { requestId, traceparent } = context ?? {};
  return {
    ...(requestId === undefined ? {} : { requestId }),
    ...(traceparent === undefined ? {} : { traceId: traceparent.slice(3, 35) }),
  };
}

/** The well-formed ids of untrusted input, such as headers; other values are dropped. */
export function wellFormedContext(input: { [Name in keyof TraceContext]?: unknown }): TraceContext {
  const context: TraceContext = {};
  for (const name of Object.keys(forms) as (keyof TraceContext)[]) {
    const value = input[name];
    if (typeof value === 'string' && forms[name].test(value)) context[name] = value;
  }
  return context;
}
