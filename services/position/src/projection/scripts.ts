import { readFileSync } from 'node:fs';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { modelFields } from './line-keys.ts';

export type ScriptArgument = string | number | Buffer;
export type Script = (keys: readonly string[], args: readonly ScriptArgument[]) => Promise<unknown>;

type Call = (...args: ScriptArgument[]) => Promise<unknown>;

const source = (name: string) =>
  readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');

/** What the scripts know of the code around them. */
const { state, seq, keptSeq } = modelFields;
const constants = `local MODEL, MODEL_SEQ, MODEL_KEPT = '${state}', '${seq}', '${keptSeq}'`;

/**
 * Makes a Lua script callable; text in its replies comes as Buffers. `name` is its file's, which ends in the
 * number of its keys; `shared` names the files written before it.
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
