import { readFileSync } from 'node:fs';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { modelFields } from './line-keys.ts';

export type ScriptArgument = string | number | Buffer;
export type Script = (keys: readonly string[], args: readonly ScriptArgument[]) => Promise<unknown>;

type Call = (...args: ScriptArgument[]) => Promise<unknown>;

const source = (name: string) =>
  readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');

/** Constants that the scripts share with this code. */
const { state, seq, keptSeq } = modelFields;
const constants = `local MODEL, MODEL_SEQ, MODEL_KEPT = '${state}', '${seq}', '${keptSeq}'`;

/**
 * Registers a Lua script; strings in its replies are Buffers. `name` is the file name, which ends with the number of
 * keys; `shared` names the files to prepend.
 */
export function defineScript(redis: RedisClient, name: string, shared: readonly string[]): Script {
  const numberOfKeys = Number(/-(\d+)$/.exec(name)?.[1]);
  const lua = [constants, ...[...shared, name].map(source)].join('\n');
  redis.defineCommand(name, { lua, numberOfKeys });
  const call = (redis as unknown as Record<string, Call>)[`${name}Buffer`] as Call;
  return (keys, args) => {
    if (keys.length !== numberOfKeys) throw new Error(`${name} takes ${numberOfKeys} keys`);
    return call.apply(redis, [...keys, ...args]);
  };
}
