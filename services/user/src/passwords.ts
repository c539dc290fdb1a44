import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { invalidField, problems } from '@queue-manager/service-kit/problems';
import { dictionary } from '@zxcvbn-ts/language-common';

export type Passwords = {
  hash(password: string): Promise<string>;
  /** Compares with a hash, or with nothing when there is no account: that takes the same time and is false. */
  matches(hash: string | undefined, password: string): Promise<boolean>;
};

/** OWASP's Password Storage Cheat Sheet; the library's algorithm is Argon2id unless told otherwise. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Beyond this many waiting, a caller would give up before its turn came. */
const waitingMax = 500;

/** Hashes passwords off the main thread, so many at once as memory is meant for. */
export async function createPasswords(options: { atOnce: number }): Promise<Passwords> {
  const takeTurn = createTurns(options.atOnce);
  const hashOfNothing = await hash(randomBytes(32), cost);
  return {
    hash: (password) => takeTurn(() => hash(normalise(password), cost)),
    matches: async (known, password) => {
      const isMatch = await takeTurn(() => verify(known ?? hashOfNothing, normalise(password)));
      return isMatch && known !== undefined;
    },
  };
}

/** One password may come as different code points from different keyboards (NIST SP 800-63B, 3.1.1.2). */
function normalise(password: string): string {
  return password.normalize('NFKC');
}

function createTurns(atOnce: number) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < atOnce) {
      running += 1;
    } else {
      if (waiting.length >= waitingMax) {
        throw problems.unavailable({
          detail: 'Too many people are signing in. Please try again in a moment.',
          retryAfterSeconds: 2,
        });
      }
      // Whoever ends hands its turn over, so `running` stays as it is.
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

const commonPasswords = new Set(dictionary['passwords-common']);

/**
 * Refuses a password that is the account's e-mail, its part before the @, or one of the most common ones
 * (about 49,000, gathered by zxcvbn from leaks), in whatever case. Throws `validation-failed` naming `path`.
 */
export function refuseGuessable(path: string, password: string, email: string): void {
  const lower = normalise(password).toLowerCase().trim();
  const address = email.toLowerCase();
  if (lower === address || lower === address.slice(0, address.lastIndexOf('@'))) {
    throw invalidField(path, 'must not be the e-mail address');
  }
  if (commonPasswords.has(lower)) throw invalidField(path, 'is one of the most common passwords');
}
