import { AsyncLocalStorage } from 'node:async_hooks';

/** The trace context of the request that work is done for, for logs and traces only. */
export type RequestContext = {
  requestId?: string;
  /** W3C Trace Context. */
  traceparent?: string;
};

/** Accepted forms. Anything else is dropped, so that it cannot forge log lines. */
const forms: Record<keyof RequestContext, RegExp> = {
  requestId: /^[A-Za-z0-9._-]{1,64}$/,
  traceparent: /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/,
};

const storage = new AsyncLocalStorage<RequestContext>();

/**
 * Runs `fn`, and everything it starts, in a context. An empty one means that the work belongs to no single request.
 */
export function runInContext<T>(context: RequestContext, fn: () => T): T {
  return storage.run(context, fn);
}

/** The context of the running code; undefined outside of any. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

/** The well-formed ids of untrusted input, such as headers; other values are dropped. */
export function wellFormedContext(
  input: { [Name in keyof RequestContext]?: unknown },
): RequestContext {
  const context: RequestContext = {};
  for (const name of Object.keys(forms) as (keyof RequestContext)[]) {
    const value = input[name];
    if (typeof value === 'string' && forms[name].test(value)) context[name] = value;
  }
  return context;
}
