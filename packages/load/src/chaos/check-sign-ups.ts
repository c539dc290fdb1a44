import { login } from '@queue-manager/contracts/tokens';
import { resendVerification } from '@queue-manager/contracts/users';
import type { Mail } from '@queue-manager/local-stack/inbox';
import { type Caller, succeed } from '../callers/retrying-caller.ts';
import type { Ledger, Violation } from './ledger.ts';

/**
 * Requests another mail for every new user whose mail is missing.
 *
 * @returns their number.
 */
export async function resendMissing(
  caller: Caller,
  ledger: Ledger,
  inbox: readonly Mail[],
): Promise<number> {
  const got = new Set(inbox.flatMap(({ to }) => to.map(({ address }) => address)));
  const missing = ledger.signUps.filter(({ email }) => !got.has(email));
  for (const { email } of missing) await succeed(caller, resendVerification, { body: { email } });
  return missing.length;
}

/**
 * Every acknowledged sign-up exists once, and is an account that its owner can sign in to.
 *
 * @param inbox every mail from before any was requested again.
 * @returns violations, with the time at which the sign-up was acknowledged.
 */
export async function checkSignUps(
  caller: Caller,
  ledger: Ledger,
  inbox: readonly Mail[],
): Promise<Violation[]> {
  const violations: Violation[] = [];
  const mailsTo = Map.groupBy(inbox, ({ to }) => to[0]?.address);
  for (const { email, password, isVerified, acknowledgedAtMs: atMs } of ledger.signUps) {
    const links = new Set((mailsTo.get(email) ?? []).map(({ headers }) => headers['x-event-id']));
    if (links.size > 1) {
      violations.push({ what: `one sign-up led to ${links.size} different mails`, atMs });
    }
    if (!isVerified) {
      const what = 'a newcomer whose sign-up was acknowledged cannot verify it';
      violations.push({ what, atMs });
      continue;
    }
    const { answer } = await caller.call(login, { body: { email, password } });
    if (!answer.ok) {
      violations.push({ what: `a newcomer's sign-in was answered with ${answer.status}`, atMs });
    }
  }
  return violations;
}
