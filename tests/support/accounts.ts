import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Client } from '@queue-manager/client/client';
import { login } from '@queue-manager/contracts/tokens';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import { tokenIn } from '@queue-manager/local-stack/inbox';
import { awaitMails, mailUrl, succeed } from './system.ts';

export const randomEmail = () => `guest-${randomBytes(8).toString('hex')}@example.com`;
export const randomPassword = () => randomBytes(12).toString('base64url');

/** The token of the nth mail to an address. */
export async function mailedToken(address: string, nth = 1, inboxUrl = mailUrl): Promise<string> {
  const mail = (await awaitMails(address, nth, inboxUrl))[nth - 1];
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

/** Signs up, verifies and signs in an account; by default of the system under test. */
export async function openAccount(
  options: { name?: string; locale?: string } = {},
  on: { succeed: Client['succeed']; mailUrl: string } = { succeed, mailUrl },
): Promise<TestAccount> {
  const { name = 'Olga Owner', locale = 'en' } = options;
  const email = randomEmail();
  const password = randomPassword();
  await on.succeed(signUp, { body: { name, email, password, locale } });
  const verification = await mailedToken(email, 1, on.mailUrl);
  const { id } = await on.succeed(verifyUser, { body: { token: verification } });
  const { accessToken, refreshToken } = await on.succeed(login, { body: { email, password } });
  assert.ok(refreshToken);
  return { id, name, email, password, token: accessToken, refreshToken };
}
