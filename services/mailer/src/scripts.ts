import { readFileSync } from 'node:fs';
import type { RedisClient } from '@queue-manager/service-kit/redis';

/** A function that runs the Lua script of this name, with one key, and returns its number. */
export function createScript(redis: RedisClient, name: `${string}-1`) {
  const lua = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return async (key: string, ...args: (string | number)[]): Promise<number> =>
    Number(await redis.eval(lua, 1, key, ...args));
}
