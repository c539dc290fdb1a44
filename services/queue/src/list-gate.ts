import { createKeyedGate, type KeyedGate } from '@queue-manager/service-kit/limits/gate';
import { atHalfTime } from '@queue-manager/service-kit/limits/half-time';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';

/**
 * The gate of lists, `deps.lists`: an account reads one page at a time. Sixteen at once made the joins of other venues
 * twenty times slower, since each statement of a join waited for sixteen pages.
 */
export function createListGate(): KeyedGate {
  return createKeyedGate({ atOnce: 1, waitingMax: 64 });
}

/** Puts an endpoint that returns pages of a list behind the gate. The pause after a page delays only the next one. */
export function withListGate(lists: KeyedGate, endpoint: RouteOptions): RouteOptions {
  const { config, handler } = endpoint;
  if (config?.contract?.schema.querystring?.shape.limit === undefined) return endpoint;
  return {
    ...endpoint,
    handler(this: unknown, request: FastifyRequest, reply: FastifyReply) {
      const { promise: page, resolve, reject } = Promise.withResolvers<unknown>();
      const read = async () => {
        resolve(handler.call(this as never, request, reply));
        await page.catch(() => undefined);
      };
      lists.run(request.claims?.sub as string, () => atHalfTime(read)).catch(reject);
      return page;
    },
  };
}
