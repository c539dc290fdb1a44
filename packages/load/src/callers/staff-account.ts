import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { acceptInvitation, createInvitation } from '@queue-manager/contracts/members';
import { login, refresh, type TokenPair } from '@queue-manager/contracts/tokens';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import { mailsTo, tokenIn } from '@queue-manager/local-stack/inbox';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { type Caller, succeed } from './retrying-caller.ts';

/** How long before its expiry an access token is renewed. */
const renewalMarginSeconds = 60;
const mailMsMax = 60_000;

export type Credentials = { email: string; password: string };

/** What reading mails needs. */
type Inbox = { mailUrl: string; signal: AbortSignal };

/**
 * Signs up an account with a random address and follows the link in its verification mail.
 *
 * @returns a caller with the account's access token, which it renews in time.
 */
export async function openAccount(
  caller: Caller,
  mailUrl: string,
  signal: AbortSignal,
): Promise<Caller> {
  return signIn(caller, await signUpAccount(caller, { mailUrl, signal }));
}

/** Signs up an account with a random address and follows the link in its verification mail. */
export async function signUpAccount(
  caller: Caller,
  inbox: Inbox,
  name = 'Replay',
): Promise<Credentials & { id: string }> {
  const email = `replay-${randomBytes(8).toString('hex')}@example.com`;
  const password = randomBytes(18).toString('base64url');

  await succeed(caller, signUp, { body: { name, email, password } });
  const token = await tokenFromMail(inbox, email);
  const { id } = await succeed(caller, verifyUser, { body: { token } });
  return { id, email, password };
}

/** Makes an account a host of a venue, by the invitation mail. */
export async function enlistHost(
  { owner, host, email }: { owner: Caller; host: Caller; email: string },
  venueId: string,
  inbox: Inbox,
): Promise<void> {
  const known = await tokensIn(inbox, email);
  const body = { email, role: 'host' as const };
  await succeed(owner, createInvitation, { params: { venueId }, body });
  const token = await tokenFromMail(inbox, email, known);
  await succeed(host, acceptInvitation, { body: { token } });
}

/** A caller with the access token of an account, which it renews in time. */
export async function signIn(caller: Caller, { email, password }: Credentials): Promise<Caller> {
  let pair: TokenPair;
  let renewAtMs: number;
  const store = (fresh: TokenPair) => {
    pair = fresh;
    renewAtMs = performance.now() + (fresh.expiresIn - renewalMarginSeconds) * 1_000;
  };
  const logIn = async () => store(await succeed(caller, login, { body: { email, password } }));
  const renew = async () => {
    const { answer } = await caller.call(refresh, { body: { refreshToken: pair.refreshToken } });
    // A refresh whose answer was lost may have used up its token; the password is still valid.
    if (answer.ok) store(answer.body);
    else await logIn();
  };
  await logIn();

  return {
    async call(contract, options) {
      if (performance.now() >= renewAtMs) await renew();
      return caller.call(contract, { ...options, token: pair.accessToken });
    },
  };
}

/** The token of the link in the next mail to this address, beside those known. */
async function tokenFromMail(
  inbox: Inbox,
  email: string,
  known: readonly string[] = [],
): Promise<string> {
  const deadline = performance.now() + mailMsMax;
  while (performance.now() < deadline) {
    const token = (await tokensIn(inbox, email)).find((mailed) => !known.includes(mailed));
    if (token !== undefined) return token;
    await delay(100, undefined, { signal: inbox.signal });
  }
  throw new StackError(`no mail with a link came to the inbox at ${inbox.mailUrl}`);
}

async function tokensIn({ mailUrl, signal }: Inbox, email: string): Promise<string[]> {
  try {
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
    return (await mailsTo(mailUrl, email, attempt)).flatMap((mail) => tokenIn(mail) ?? []);
  } catch {
    signal.throwIfAborted();
    throw new StackError(
      `no mail inbox answers at ${mailUrl}: check MAIL_PORT, the port of its web page`,
    );
  }
}
