import { readFileSync } from 'node:fs';
import type { RedisClient } from './redis.ts';

const script = (name: string) =>
  readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
const extendLua = script('extend-lease-1');
const releaseLua = script('release-lease-1');

/**
 * Leases: Redis keys that expire unless their holder extends them. Taking one is up to the caller, who writes a value
 * that is unique to the holder. Lua compares that value, so that a holder whose lease expired cannot touch the next
 * holder's.
 */
export function createLeases(redis: RedisClient, times: { leaseMs: number; extendMs: number }) {
  return {
    /** Extends the lease every `extendMs` until the work is done. A lease that cannot be extended expires. */
    async holdDuring<T>(key: string, holder: string, work: () => Promise<T>): Promise<T> {
      const extending = setInterval(() => {
        redis.eval(extendLua, 1, key, holder, times.leaseMs).catch(() => undefined);
      }, times.extendMs);
      try {
        return await work();
      } finally {
        clearInterval(extending);
      }
    },
    /** Releases the lease, if it is still this holder's. If Redis is unavailable, the lease expires by itself. */
    async release(key: string, holder: string): Promise<void> {
      await redis.eval(releaseLua, 1, key, holder).catch(() => undefined);
    },
  };
}
