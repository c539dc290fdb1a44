import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contract } from '@queue-manager/contracts/contract';
import { login, refresh, type TokenPair } from '@queue-manager/contracts/tokens';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import type { CallOptions } from './api-call.ts';
import { type Mail, mailsTo, tokenIn } from './inbox.ts';
import { type Caller, succeed, type Timed } from './replay-caller.ts';
import { StackError } from './stack-error.ts';

export interface StaffAccount {
  /** Calls as this account; its access token is renewed in time. */
  call<const C extends Contract>(contract: C, options: CallOptions<C>): Promise<Timed<C>>;
}

/** How long before its end an access token is renewed. */
const renewalMarginSeconds = 60;
const mailMsMax = 60_000;

/** Signs up an account with a random address as a person does, its verification mail included. */
export async function openAccount(
  caller: Caller,
  mailUrl: string,
  signal: AbortSignal,
): Promise<StaffAccount> {
  const email = `replay-${randomBytes(8).toString('hex')}@example.com`;
  const password = randomBytes(18).toString('base64url');

  const asked = await caller.call(signUp, { body: { name: 'Replay', email, password } });
  succeed(signUp, asked.answer);
  const token = await tokenFromMail(mailUrl, email, signal);
  const verified = await caller.call(verifyUser, { body: { token } });
  succeed(verifyUser, verified.answer);

  let pair: TokenPair;
  let renewAtMs: number;
  const keep = (fresh: TokenPair) => {
    pair = fresh;
    renewAtMs = performance.now() + (fresh.expiresIn - renewalMarginSeconds) * 1_000;
  };
  const signIn = async () => {
    const { answer } = await caller.call(login, { body: { email, password } });
    keep(succeed(login, answer));
  };
  const renew = async () => {
    const { answer } = await caller.call(refresh, { body: { refreshToken: pair.refreshToken } });
    // A refresh whose answer was lost for long has spent its token; the password still counts.
    if (answer.ok) keep(answer.body);
    else await signIn();
  };
  await signIn();

  return {
    async call(contract, options) {
      if (performance.now() >= renewAtMs) await renew();
      const timed = await caller.call(contract, { ...options, token: pair.accessToken });
      if (timed.answer.status !== 401) return timed;
      // The machine may have slept through the token's life.
      await signIn();
      return caller.call(contract, { ...options, token: pair.accessToken });
    },
  };
}

/** The token of the link in the mail to this address. */
async function tokenFromMail(mailUrl: string, email: string, signal: AbortSignal): Promise<string> {
  const deadline = performance.now() + mailMsMax;
  while (performance.now() < deadline) {
    for (const mail of await mailsIn(mailUrl, email, signal)) {
      const token = tokenIn(mail);
      if (token !== undefined) return token;
    }
    await delay(100, undefined, { signal });
  }
  throw new StackError(`no verification mail came to the inbox at ${mailUrl}`);
}

async function mailsIn(mailUrl: string, email: string, signal: AbortSignal): Promise<Mail[]> {
  try {
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
    return await mailsTo(mailUrl, email, attempt);
  } catch {
    signal.throwIfAborted();
    throw new StackError(
      `no mail inbox answers at ${mailUrl}: MAIL_PORT names the port of its web page`,
    );
  }
}
