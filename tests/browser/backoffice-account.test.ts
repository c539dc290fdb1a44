import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { createInvitation } from '@queue-manager/contracts/members';
import { backofficePath } from '@queue-manager/contracts/pages';
import { login } from '@queue-manager/contracts/tokens';
import type { BrowserContext, Page, Route } from 'playwright-core';
import { openAccount, randomEmail, randomPassword, type TestAccount } from '../support/accounts.ts';
import { openVenue } from '../support/lines.ts';
import { awaitMails, gatewayUrl, refuse, succeed } from '../support/system.ts';
import { assertAccessible } from './support/axe.ts';
import { heading, screen, useBrowser } from './support/browser.ts';

/** What the API refuses on the way, bad passwords and used links; and responses that are lost or blocked. */
const expectedErrors = /status of 4(00|01|03|09)|ERR_FAILED|ERR_BLOCKED_BY_RESPONSE/;

/** The address that the nth mail leads to. */
async function linkIn(email: string, nth = 1): Promise<string> {
  const mail = (await awaitMails(email, nth))[nth - 1];
  const link = /https?:\/\/\S+/.exec(mail?.text ?? '')?.[0] ?? '';
  assert.ok(link.startsWith(`${gatewayUrl}${backofficePath}/`), link);
  return link;
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const fill = (page: Page, label: string, value: string) =>
  page.getByLabel(label, { exact: true }).fill(value);
/** Waits for a message, and that a screen reader hears it. */
const told = (page: Page, text: string) =>
  page.getByRole('alert').filter({ hasText: text }).waitFor();
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('name'));

async function signUp(page: Page, name: string, email: string, password: string): Promise<void> {
  await heading(page, 'Create your account');
  await fill(page, 'Your name', name);
  await fill(page, 'E-mail', email);
  await fill(page, 'Password', password);
  await press(page, 'Create an account');
  await heading(page, 'Check your mail');
}

async function signIn(page: Page, { email, password }: Pick<TestAccount, 'email' | 'password'>) {
  await heading(page, 'Sign in');
  await fill(page, 'E-mail', email);
  await fill(page, 'Password', password);
  await press(page, 'Sign in');
}

async function refreshCookie(context: BrowserContext) {
  return (await context.cookies(`${gatewayUrl}/v1/auth/refresh`)).find(
    ({ name }) => name === 'qm_refresh',
  );
}

describe('a new account', () => {
  const { newContext } = useBrowser();

  it('is created from the form to the first screen, by the link in its mail', async () => {
    const context = await newContext({ ...screen, expectedErrors });
    const page = await context.newPage();
    const email = randomEmail();
    const password = randomPassword();
    await page.goto('/backoffice/sign-in');
    await page.getByRole('link', { name: 'Create an account' }).click();
    await heading(page, 'Create your account');
    await press(page, 'Create an account');
    for (const text of ['enter your name', 'enter your e-mail', 'enter your password']) {
      await told(page, text);
    }
    assert.equal(await focused(page), 'name');
    await fill(page, 'Your name', 'Ana Sousa');
    await fill(page, 'E-mail', 'nobody');
    await fill(page, 'Password', 'short');
    await press(page, 'Create an account');
    await told(page, 'not a valid e-mail address');
    await told(page, 'at least 8 characters');
    assert.equal(await focused(page), 'email');
    await fill(page, 'E-mail', email);
    await fill(page, 'Password', 'password123');
    await press(page, 'Create an account');
    await told(page, 'Many people use this password');
    assert.equal(await focused(page), 'password');
    await signUp(page, 'Ana Sousa', email, password);
    await page.getByText(email).waitFor();
    await press(page, 'Send it again');
    await page.getByRole('status').filter({ hasText: 'Sent again.' }).waitFor();

    const link = await linkIn(email);
    const opened = await context.newPage();
    await opened.goto(link);
    await heading(opened, /Welcome, .Ana Sousa/);
    await fill(opened, 'Password', 'not the password');
    await press(opened, 'Sign in');
    await told(opened, 'This is not your password.');
    await fill(opened, 'Password', password);
    await press(opened, 'Sign in');
    await heading(opened, 'Set up your venue');

    // The session survives a reload, and scripts cannot read it.
    const cookie = await refreshCookie(context);
    assert.deepEqual(
      [cookie?.httpOnly, cookie?.sameSite, cookie?.path],
      [true, 'Strict', '/v1/auth'],
    );
    await opened.reload();
    await heading(opened, 'Set up your venue');
    const readable = await opened.evaluate(
      () => document.cookie + JSON.stringify({ ...localStorage }),
    );
    assert.doesNotMatch(readable, /eyJ|qm_refresh/);
    assert.ok(!readable.includes(password));

    await opened.goto(link);
    await heading(opened, 'This link no longer works');
  });

  it('can have its mail sent again where the link is missing', async () => {
    const page = await (await newContext({ ...screen, expectedErrors })).newPage();
    await page.goto('/backoffice/verify');
    await heading(page, 'This link no longer works');
    await fill(page, 'E-mail', randomEmail());
    await press(page, 'Send me a link');
    await heading(page, 'Check your mail');
    await press(page, 'Use another address');
    await heading(page, 'This link no longer works');
  });
});

describe('a forgotten password', () => {
  const { newContext } = useBrowser();

  it('is replaced by the link in a mail, which signs out every browser', async () => {
    const account = await openAccount();
    const other = await (await newContext({ ...screen, expectedErrors })).newPage();
    await other.goto('/backoffice/account');
    await signIn(other, account);
    await heading(other, 'Your account');

    const page = await (await newContext({ ...screen, expectedErrors })).newPage();
    await page.goto('/backoffice/sign-in');
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await heading(page, 'Forgot your password?');
    await fill(page, 'E-mail', account.email);
    await press(page, 'Send me a link');
    await heading(page, 'Check your mail');
    const link = await linkIn(account.email, 2);
    await page.goto(link);
    await heading(page, 'Choose a new password');
    await fill(page, 'New password', account.email);
    await press(page, 'Save the password');
    await told(page, 'don’t use your e-mail address');
    const password = randomPassword();
    await fill(page, 'New password', password);
    const losesResponse = async (route: Route) => {
      await route.fetch();
      await route.abort();
    };
    await page.route('**/v1/users/password/reset', losesResponse, { times: 1 });
    await press(page, 'Save the password');
    await told(page, 'No connection right now.');
    await press(page, 'Save the password');
    await page.getByText('Your password has been changed.').waitFor();
    await signIn(page, { ...account, password });
    await heading(page, 'Set up your venue');

    // The other browser asks for the password where it is.
    await other.reload();
    await other.getByRole('dialog', { name: 'Please enter your password' }).waitFor();
    await fill(other, 'Password', password);
    await press(other, 'Continue');
    await other.getByText('This browser').waitFor();

    await page.goto(link);
    await fill(page, 'New password', randomPassword());
    await press(page, 'Save the password');
    await heading(page, 'This link no longer works');
    await refuse('invalid-credentials', login, {
      body: { email: account.email, password: account.password },
    });
  });
});

describe('the session of a browser', () => {
  const { newContext } = useBrowser();

  it('is shared by tabs that open at the same time, also without locks', async () => {
    const account = await openAccount();
    const context = await newContext({ ...screen, expectedErrors });
    // As over plain HTTP.
    await context.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'locks'));
    const page = await context.newPage();
    await page.goto('/backoffice/account');
    await signIn(page, account);
    await page.getByText('This browser').waitFor();
    const tabs = await Promise.all(Array.from({ length: 4 }, () => context.newPage()));
    const opened = (tab: Page) => tab.getByText('This browser').waitFor();
    // All ask before any has the response.
    let asking: Route[] = [];
    await context.route('**/v1/auth/refresh', (route) => {
      asking.push(route);
      if (asking.length < tabs.length) return;
      for (const each of asking) void each.continue();
      asking = [];
    });
    await Promise.all(tabs.map((tab) => tab.goto('/backoffice/account').then(() => opened(tab))));
    assert.deepEqual(asking, []);
    await context.unroute('**/v1/auth/refresh');
    await Promise.all(tabs.map((tab) => tab.reload().then(() => opened(tab))));
    assert.equal(await page.evaluate(() => 'locks' in navigator), false);
  });

  it('is out of reach of a page on another port of the same host', async (test) => {
    const account = await openAccount();
    const context = await newContext({ ...screen, expectedErrors });
    const page = await context.newPage();
    await page.goto('/backoffice/account');
    await signIn(page, account);
    await heading(page, 'Your account');
    const cookie = await refreshCookie(context);
    assert.ok(cookie);

    const { hostname } = new URL(gatewayUrl);
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<title>Another app</title>');
    }).listen(0, hostname);
    test.after(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    const other = await context.newPage();
    await other.goto(`http://${hostname}:${(server.address() as AddressInfo).port}/`);
    for (const path of ['refresh', 'logout']) {
      const url = `${gatewayUrl}/v1/auth/${path}`;
      // Ports do not count for `SameSite`: the browser sends the cookie, and the server refuses it.
      await other.evaluate(
        (to) =>
          fetch(to, { method: 'POST', mode: 'no-cors', credentials: 'include' }).catch(() => {}),
        url,
      );
    }
    assert.equal((await refreshCookie(context))?.value, cookie.value);
    await page.reload();
    await page.getByText('This browser').waitFor();
  });
});

describe('an invitation', () => {
  const { newContext } = useBrowser();

  async function invite(email: string) {
    const venue = await openVenue('Casa do Cais');
    const { token } = venue.owner;
    const params = { venueId: venue.venue.id };
    await succeed(createInvitation, { token, params, body: { email, role: 'host' } });
  }

  it('brings a person without an account to the venue, through signing up', async () => {
    const email = randomEmail();
    const password = randomPassword();
    await invite(email);
    const context = await newContext({ ...screen, expectedErrors });
    const page = await context.newPage();
    await page.goto(await linkIn(email));
    await heading(page, 'You’re invited');
    await page.getByRole('link', { name: 'Create an account' }).click();
    await signUp(page, 'Rui Costa', email, password);
    const opened = await context.newPage();
    await opened.goto(await linkIn(email, 2));
    await heading(opened, /Welcome/);
    await fill(opened, 'Password', password);
    await press(opened, 'Sign in');
    await heading(opened, 'You’re invited');
    await press(opened, 'Accept the invitation');
    await heading(opened, /Welcome to .Casa do Cais/);
    await opened.getByText('You are now a host of this venue.').waitFor();
    await opened.getByRole('link', { name: 'Continue' }).click();
    await opened.getByText('Casa do Cais').first().waitFor();
  });

  it('is for the account that it was sent to, whoever is signed in', async () => {
    const [invited, other] = [await openAccount(), await openAccount()];
    await invite(invited.email);
    const page = await (await newContext({ ...screen, expectedErrors })).newPage();
    await page.goto(await linkIn(invited.email, 2));
    await page.getByRole('link', { name: 'I have an account' }).click();
    await signIn(page, other);
    await heading(page, 'You’re invited');
    await press(page, 'Accept the invitation');
    await told(page, 'sent to another address');
    await press(page, 'Use another account');
    await signIn(page, invited);
    await heading(page, 'You’re invited');
    await page.getByText(invited.email).waitFor();
    await press(page, 'Accept the invitation');
    await heading(page, /Welcome to .Casa do Cais/);
    // It works once.
    await page.goBack();
    await page.goto(await linkIn(invited.email, 2));
    await press(page, 'Accept the invitation');
    await heading(page, 'This link no longer works');
  });
});

describe('one’s own account', () => {
  const { newContext } = useBrowser();

  it('shows and changes everything about it, until it is deleted', async () => {
    const account = await openAccount({ name: 'Olga Owner' });
    const context = await newContext({ ...screen, expectedErrors });
    const page = await context.newPage();
    await page.goto('/backoffice/account');
    await signIn(page, account);
    await heading(page, 'Your account');

    await fill(page, 'Your name', '');
    await press(page, 'Save');
    await told(page, 'enter your name');
    await fill(page, 'Your name', 'Olga Nova');
    await page.locator('qm-about-form').getByLabel('Language', { exact: true }).selectOption('pt');
    await press(page, 'Save');
    await heading(page, 'A sua conta');
    await page.getByText('Guardado.').waitFor();
    await page.locator('qm-about-form').getByLabel('Idioma', { exact: true }).selectOption('en');
    await press(page, 'Guardar');
    await heading(page, 'Your account');

    // The session of the account's creation is the other one.
    const sessions = page.locator('qm-session-list').getByRole('listitem');
    await sessions.nth(1).waitFor();
    await page.locator('qm-session-list').getByRole('button').first().click();
    await page.getByText('Signed out there.').waitFor();
    await sessions.nth(1).waitFor({ state: 'detached' });
    await sessions.filter({ hasText: 'This browser' }).waitFor();

    await fill(page, 'Current password', 'not the password');
    const password = randomPassword();
    await fill(page, 'New password', password);
    await press(page, 'Change the password');
    await told(page, 'This is not your password.');
    assert.equal(await focused(page), 'currentPassword');
    await fill(page, 'Current password', account.password);
    await press(page, 'Change the password');
    await page.getByText('Your password has been changed.').waitFor();

    const downloading = page.waitForEvent('download');
    await press(page, 'Download');
    const file = await (await downloading).path();
    const exported = JSON.parse(await readFile(file, 'utf8'));
    assert.equal(exported.account.name, 'Olga Nova');
    assert.equal(exported.account.email, account.email);

    const otherTab = await context.newPage();
    await otherTab.goto('/backoffice/account');
    await heading(otherTab, 'Your account');
    await press(page, 'Delete the account…');
    const dialog = page.getByRole('dialog', { name: 'Delete your account?' });
    await dialog.getByLabel('Your password').fill(account.password);
    await press(page, 'Delete it for good');
    await told(page, 'This is not your password.');
    await dialog.getByLabel('Your password').fill(password);
    await press(page, 'Delete it for good');
    await page.getByText('Your account has been deleted.').waitFor();
    await heading(page, 'Sign in');
    await heading(otherTab, 'Sign in');
    assert.equal(await refreshCookie(context), undefined);
    await refuse('invalid-credentials', login, { body: { email: account.email, password } });
  });

  it('cannot be deleted by the only owner of a venue', async () => {
    const { owner } = await openVenue('Casa do Cais');
    const page = await (await newContext({ ...screen, expectedErrors })).newPage();
    await page.goto('/backoffice/account');
    await signIn(page, owner);
    await press(page, 'Delete the account…');
    await page.getByRole('dialog').getByLabel('Your password').fill(owner.password);
    await press(page, 'Delete it for good');
    await told(page, 'You are the only owner of a venue.');
    await page.keyboard.press('Escape');
    // The focus returns to the button that opened the dialog.
    await page.waitForFunction(() => document.activeElement?.textContent?.includes('Delete'));
  });
});

for (const locale of ['en-GB', 'ar']) {
  describe(`in ${locale}, axe finds nothing on the account’s screens`, () => {
    const { newContext } = useBrowser();
    const open = async (path: string) => {
      const options = { ...screen, locale, expectedErrors, reducedMotion: 'reduce' } as const;
      const page = await (await newContext(options)).newPage();
      await page.goto(`/backoffice/${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      return page;
    };

    for (const path of ['sign-up', 'reset', 'reset?token=x', 'verify', 'verify?token=x']) {
      it(path, async () => {
        const page = await open(path);
        await assertAccessible(page, path);
        const old = await page.getByRole('heading', { level: 1 }).textContent();
        await page.locator('button[type=submit]').click();
        await page.getByRole('alert').filter({ hasText: /./ }).first().waitFor();
        await assertAccessible(page, `${path}, with errors`);
        const email = page.locator('input[type=email]');
        if ((await email.count()) === 0) return;
        await email.fill(randomEmail());
        for (const name of ['name', 'password']) {
          const field = page.locator(`input[name=${name}]`);
          if ((await field.count()) > 0) await field.fill(randomPassword());
        }
        await page.locator('button[type=submit]').click();
        await page
          .getByRole('heading', { level: 1 })
          .filter({ hasNotText: old ?? '' })
          .waitFor();
        await assertAccessible(page, `${path}, sent`);
      });
    }

    it('invitations/accept and account', async () => {
      const account = await openAccount();
      const page = await open('invitations/accept?token=x');
      await assertAccessible(page, 'invitation');
      await page.getByRole('link').first().click();
      await page.locator('input[name=email]').fill(account.email);
      await page.locator('input[name=password]').fill(account.password);
      await page.locator('button[type=submit]').click();
      await page.getByText(account.email).waitFor();
      await assertAccessible(page, 'invitation, signed in');
      await page.goto('/backoffice/account');
      await page.locator('qm-session-list li').nth(1).waitFor();
      await assertAccessible(page, 'account');
      await page.locator('qm-delete-account button').click();
      await page.getByRole('dialog').waitFor();
      await assertAccessible(page, 'account, deleting');
    });
  });
}
