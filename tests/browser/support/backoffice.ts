import { backofficePath } from '@queue-manager/contracts/pages';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { TestAccount } from '../../support/accounts.ts';

/** What hosts work with. */
export const tablet: BrowserContextOptions = {
  viewport: { width: 1180, height: 820 },
  hasTouch: true,
  locale: 'en-GB',
  timezoneId: 'Europe/Lisbon',
};

/** The address of a screen of the backoffice, such as `/venues/…/stand`. */
export const backoffice = (path = '/') => `${backofficePath}${path}`;

/** Opens a screen of the backoffice, which asks to sign in first, and signs in. */
export async function openSignedIn(
  page: Page,
  account: Pick<TestAccount, 'email' | 'password'>,
  path = '/',
): Promise<void> {
  await page.goto(backoffice(path));
  await signIn(page, account);
}

/** Fills in the form that is shown, in any language, and waits for the screen behind it. */
export async function signIn(
  page: Page,
  { email, password }: Pick<TestAccount, 'email' | 'password'>,
): Promise<void> {
  await page.locator('input[type=email]').fill(email);
  await page.locator('input[name=password]').fill(password);
  await page.locator('button[type=submit]').click();
  await page.locator('.frame').waitFor();
}
