import { AsyncLocalStorage } from 'node:async_hooks';

/** The request that work is done for: for logs and traces alone. */
export type RequestContext = {
  requestId?: string;
  /** W3C Trace Context. */
  traceparent?: string;
};

/** As services take it from outside; anything else is not carried, so that a log line stays what it is. */
const forms: Record<keyof RequestContext, RegExp> = {
  requestId: /^[A-Za-z0-9._-]{1,64}$/,
  traceparent: /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/,
};

const storage = new AsyncLocalStorage<RequestContext>();

/**
 * Runs `fn`, and whatever it starts, in a context; an empty one says that the work is done for no request in
 * particular. Gives what `fn` gives and throws what it throws.
 */
export function runInContext<T>(context: RequestContext, fn: () => T): T {
  return storage.run(context, fn);
}

/** The context of the work that asks; undefined outside of any. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

/** What is well-formed of ids given from outside (or read from a store, where null is none). */
export function wellFormedContext(
  given: {
    [Name in keyof RequestContext]?: unknown;
  },
): RequestContext {
  const context: RequestContext = {};
  for (const name of Object.keys(forms) as (keyof RequestContext)[]) {
    const value = given[name];
    if (typeof value === 'string' && forms[name].test(value)) context[name] = value;
  }
  return context;
}
