import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { invalidField, problems } from '@queue-manager/service-kit/problems';
import { dictionary } from '@zxcvbn-ts/language-common';
import pLimit from 'p-limit';

export type Passwords = {
  hash(password: string): Promise<string>;
  /** Compares with a hash. Without one (no account) it takes the same time and returns false. */
  matches(hash: string | undefined, password: string): Promise<boolean>;
};

/** From OWASP's Password Storage Cheat Sheet, for Argon2id, the library's default. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Callers further back in the queue would time out before they are served. */
const waitingMax = 500;

/** Hashes passwords off the main thread, at most `atOnce` at a time to bound memory. */
export async function createPasswords(options: { atOnce: number }): Promise<Passwords> {
  const semaphore = pLimit(options.atOnce);
  /** Throws `unavailable` when too many callers wait already. */
  const run = <T>(work: () => Promise<T>): Promise<T> => {
    if (semaphore.pendingCount >= waitingMax) {
      throw problems.unavailable({
        detail: 'Too many sign-ins at the moment. Try again shortly.',
        retryAfterSeconds: 2,
      });
    }
    return semaphore(work);
  };
  const dummyHash = await hash(randomBytes(32), cost);
  return {
    hash: async (password) => run(() => hash(normalise(password), cost)),
    matches: async (known, password) => {
      const isMatch = await run(() => verify(known ?? dummyHash, normalise(password)));
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
