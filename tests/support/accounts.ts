import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { login } from '@queue-manager/contracts/tokens';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import { tokenIn } from '@queue-manager/local-stack/inbox';
import { awaitMails, succeed } from './system.ts';

export const randomEmail = () => `guest-${randomBytes(8).toString('hex')}@example.com`;
export const randomPassword = () => randomBytes(12).toString('base64url');

/** The token of the one mail that came to an address. */
export async function mailedToken(address: string, nth = 1): Promise<string> {
  const mail = (await awaitMails(address, nth))[nth - 1];
  const token = mail && tokenIn(mail);
  assert.ok(token, `the mail to ${address} has no link that ends in ?token=`);
  return token;
}

export type TestAccount = {
  id: string;
  name: string;
  email: string;
  password: string;
  /** Access token. */
  token: string;
  refreshToken: string;
};

/** A verified account that is signed in. */
export async function openAccount(
  given: { name?: string; locale?: string } = {},
): Promise<TestAccount> {
  const { name = 'Olga Owner', locale = 'en' } = given;
  const email = randomEmail();
  const password = randomPassword();
  await succeed(signUp, { body: { name, email, password, locale } });
  const { id } = await succeed(verifyUser, { body: { token: await mailedToken(email) } });
  const pair = await succeed(login, { body: { email, password } });
  return { id, name, email, password, token: pair.accessToken, refreshToken: pair.refreshToken };
}
