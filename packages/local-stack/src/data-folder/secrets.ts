import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StackError } from '../stack-error.ts';
import { writePrivateFile } from './private-file.ts';

const newSecret = () => randomBytes(32).toString('base64url');

/** How each secret is generated. */
const generators = {
  /** Authenticates internal calls between services. */
  INTERNAL_CREDENTIAL: newSecret,
  /** JSON: a ring of `{ id, secret }`; the first signs tickets, all verify them. */
  TICKET_KEYS: () => JSON.stringify([{ id: 1, secret: newSecret() }]),
  /** JSON: a ring of private EC P-256 JWKs; the first signs access tokens, all verify them. */
  TOKEN_KEYS: () => JSON.stringify([newTokenKey()]),
  /** Signs verification and reset tokens of accounts. */
  ACCOUNT_TOKEN_SECRET: newSecret,
  /** Refresh tokens are derived from it and a secret of each session. */
  SESSION_SECRET: newSecret,
  /** Signs unsubscribe links, and keys the hashes of those who followed them. */
  UNSUBSCRIBE_KEY: newSecret,
};
const names = Object.keys(generators) as (keyof Secrets)[];

export type Secrets = Record<keyof typeof generators, string>;

/** New values for all secrets. */
export function generateSecrets(): Secrets {
  return Object.fromEntries(names.map((name) => [name, generators[name]()])) as Secrets;
}

/** Whether a variable is one of the secrets. */
export function isSecret(variable: string): boolean {
  return Object.hasOwn(generators, variable);
}

const fileIn = (dataDir: string) => join(resolve(dataDir), 'secrets.json');

/** Whether a system has been started on this folder before. */
export function hasSecrets(dataDir: string): boolean {
  return existsSync(fileIn(dataDir));
}

/**
 * The secrets of the system on a data folder. Missing ones are generated and stored.
 *
 * @throws StackError when their file is damaged: new secrets would invalidate every session and ticket.
 */
export function secretsOf(dataDir: string): Secrets {
  const path = fileIn(dataDir);
  const known = existsSync(path) ? readSecrets(path) : {};
  // The folder may be older than some of the secrets.
  const missing = names.filter((name) => !(name in known));
  const generated = Object.fromEntries(missing.map((name) => [name, generators[name]()]));
  const secrets = { ...known, ...generated } as Secrets;
  if (missing.length > 0) writePrivateFile(path, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

function readSecrets(path: string): Partial<Secrets> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Partial<Secrets>;
  } catch {
    throw new StackError(`${path} is damaged: restore it, or start over with another DATA_DIR`);
  }
}

function newTokenKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomBytes(8).toString('base64url');
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
}
