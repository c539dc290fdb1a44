import { readFileSync } from 'node:fs';
import type { RedisClient } from '@queue-manager/service-kit/redis';

/** Makes a Lua script of one key callable. `name` is its file's; it returns a number, as all of ours do. */
export function createScript(redis: RedisClient, name: `${string}-1`) {
  const lua = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return async (key: string, ...args: (string | number)[]): Promise<number> =>
    Number(await redis.eval(lua, 1, key, ...args));
}
