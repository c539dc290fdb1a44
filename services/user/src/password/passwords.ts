import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { createGate } from '@queue-manager/service-kit/limits/gate';
import { invalidField } from '@queue-manager/service-kit/problems';
import { dictionary } from '@zxcvbn-ts/language-common';

export type Passwords = {
  hash(password: string): Promise<string>;
  /** Compares with a hash. Without one (no account) it takes the same time and returns false. */
  matches(hash: string | undefined, password: string): Promise<boolean>;
};

/** From OWASP's Password Storage Cheat Sheet, for Argon2id, the library's default. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

const waitingMax = 500;

/**
 * Hashes passwords off the main thread, at most `atOnce` at a time to bound memory. Both functions throw `unavailable`
 * when too many callers wait already.
 */
export async function createPasswords(options: { atOnce: number }): Promise<Passwords> {
  const gate = createGate({ atOnce: options.atOnce, waitingMax });
  const dummyHash = await hash(randomBytes(32), cost);
  return {
    hash: async (password) => gate.run(() => hash(normalise(password), cost)),
    matches: async (known, password) => {
      const isMatch = await gate.run(() => verify(known ?? dummyHash, normalise(password)));
      return isMatch && known !== undefined;
    },
  };
}

/** Keyboards may send one password as different code points (NIST SP 800-63B, 3.1.1.2). */
function normalise(password: string): string {
  return password.normalize('NFKC');
}

const commonPasswords = new Set(dictionary['passwords-common']);

/**
 * Throws `validation-failed` for `path` when the password is the account's e-mail, its part before the @, or one of
 * the most common passwords (about 49,000 from leaks, collected by zxcvbn), in any case.
 */
export function refuseGuessable(path: string, password: string, email: string): void {
  const lower = normalise(password).toLowerCase().trim();
  const address = normaliseEmail(email);
  if (lower === address || lower === address.slice(0, address.lastIndexOf('@'))) {
    throw invalidField(path, 'must not be the e-mail address');
  }
  if (commonPasswords.has(lower)) throw invalidField(path, 'is one of the most common passwords');
}
