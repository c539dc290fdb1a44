import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';
import type { Clock } from '@queue-manager/service-kit/clock';
import { LRUCache } from 'lru-cache';

/** Reads a parameter; undefined when there is none. Throws when the store is unavailable. */
export type ReadParameter = (name: string) => Promise<string | undefined>;

/** Parameters below a path in Parameter Store, decrypted. */
export function parameterStore(ssm: SSMClient, path: string): ReadParameter {
  return async (name) => {
    try {
      const { Parameter } = await ssm.send(
        new GetParameterCommand({ Name: `${path}/${name}`, WithDecryption: true }),
      );
      return Parameter?.Value;
    } catch (error) {
      if (error instanceof ParameterNotFound) return undefined;
      throw error;
    }
  };
}

/** The same from a folder, with a file for each parameter: on a developer's machine, and for secrets in containers. */
export function parameterFolder(folder: string): ReadParameter {
  return async (name) => {
    try {
      return await readFile(join(folder, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };
}

export type Parameters = {
  /** The parameter without white space around it; undefined when it is missing or empty. */
  get(name: string): Promise<string | undefined>;
  /** The same, read anew. */
  getFresh(name: string): Promise<string | undefined>;
};

/**
 * Caches parameters for `cacheSeconds`, so that they rotate without a restart. While the store is unavailable, the last
 * known value goes on.
 */
export function cacheParameters(
  read: ReadParameter,
  options: { clock: Clock; cacheSeconds: number },
): Parameters {
  const cache = new LRUCache<string, string>({
    max: 100,
    // 0 would mean forever.
    ttl: Math.max(1, options.cacheSeconds * 1_000),
    ttlResolution: 0,
    perf: { now: () => options.clock.now().getTime() },
    allowStaleOnFetchRejection: true,
    noDeleteOnFetchRejection: true,
    // What is not there is not cached.
    fetchMethod: async (name) => (await read(name))?.trim() || undefined,
  });
  return {
    get: (name) => cache.fetch(name),
    getFresh: (name) => cache.fetch(name, { forceRefresh: true }),
  };
}
