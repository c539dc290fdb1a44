import { z } from 'zod';
import type { Service } from './services.ts';
import { secretsOf } from './services.ts';

/** Where the values of variables come from, by the name of the variable. */
export type Sources = {
  /** Plain values. */
  values: Record<string, string>;
  /**
   * Addresses with a password, as a shell writes them: `rediss://:$REDIS_TOKEN@host`. The container's command puts them
   * together, since ECS injects whole secrets only.
   */
  addresses: Record<string, { address: string; secrets: string[] }>;
  /** Secrets that are not the service's own, such as the address of the mail server. */
  secrets: string[];
};

export type ServiceEnvironment = {
  values: Record<string, string>;
  addresses: Record<string, string>;
  /** Names of secrets: of Parameter Store, and those that addresses are made of. */
  secrets: string[];
};

/**
 * What a service gets: each variable of its `config.ts` that has a source.
 *
 * @throws Error when a variable without a default has none.
 */
export function environmentOf({ name, env }: Service, sources: Sources): ServiceEnvironment {
  const own = new Set([...secretsOf(name), ...sources.secrets]);
  const variables = Object.keys(env);
  const addresses = variables.filter((variable) => variable in sources.addresses);
  const environment: ServiceEnvironment = {
    values: pick(sources.values, variables),
    addresses: Object.fromEntries(
      addresses.map((variable) => [variable, sources.addresses[variable]?.address ?? '']),
    ),
    secrets: [
      ...variables.filter((variable) => own.has(variable)),
      ...addresses.flatMap((variable) => sources.addresses[variable]?.secrets ?? []),
    ],
  };
  const given = new Set([...Object.keys(environment.values), ...addresses, ...environment.secrets]);
  const missing = Object.entries(env)
    .filter(([variable, schema]) => !given.has(variable) && !z.safeParse(schema, undefined).success)
    .map(([variable]) => variable);
  if (missing.length > 0) throw new Error(`${name} needs ${missing.join(', ')}`);
  return environment;
}

function pick(values: Record<string, string>, names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
