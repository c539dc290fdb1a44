import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { login, refresh, type TokenPair } from '@queue-manager/contracts/tokens';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import { type Mail, mailsTo, tokenIn } from '@queue-manager/local-stack/inbox';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { type Caller, succeed } from './retrying-caller.ts';

/** How long before its expiry an access token is renewed. */
const renewalMarginSeconds = 60;
const mailMsMax = 60_000;

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
  const email = `replay-${randomBytes(8).toString('hex')}@example.com`;
  const password = randomBytes(18).toString('base64url');

  await succeed(caller, signUp, { body: { name: 'Replay', email, password } });
  const token = await tokenFromMail(mailUrl, email, signal);
  await succeed(caller, verifyUser, { body: { token } });

  return signIn(caller, { email, password });
}

/** A caller with the access token of an account, which it renews in time. */
export async function signIn(
  caller: Caller,
  credentials: { email: string; password: string },
): Promise<Caller> {
  let pair: TokenPair;
  let renewAtMs: number;
  const store = (fresh: TokenPair) => {
    pair = fresh;
    renewAtMs = performance.now() + (fresh.expiresIn - renewalMarginSeconds) * 1_000;
  };
  const logIn = async () => store(await succeed(caller, login, { body: credentials }));
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

/** The token of the link in the mail to this address. */
async function tokenFromMail(mailUrl: string, email: string, signal: AbortSignal): Promise<string> {
  const deadline = performance.now() + mailMsMax;
  while (performance.now() < deadline) {
    const token = (await readMails(mailUrl, email, signal)).map(tokenIn).find(Boolean);
    if (token !== undefined) return token;
    await delay(100, undefined, { signal });
  }
  throw new StackError(`no verification mail came to the inbox at ${mailUrl}`);
}

async function readMails(mailUrl: string, email: string, signal: AbortSignal): Promise<Mail[]> {
  try {
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
    return await mailsTo(mailUrl, email, attempt);
  } catch {
    signal.throwIfAborted();
    throw new StackError(
      `no mail inbox answers at ${mailUrl}: check MAIL_PORT, the port of its web page`,
    );
  }
}
