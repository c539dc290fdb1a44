import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { listPartyEvents } from '@queue-manager/contracts/history';
import { addParty } from '@queue-manager/contracts/parties';
import { createQueue } from '@queue-manager/contracts/queues';
import { endSession, listSessions, login } from '@queue-manager/contracts/tokens';
import { createVenue, listVenues, type Venue } from '@queue-manager/contracts/venues';
import { until } from '@queue-manager/service-kit/testing';
import type { BrowserContext, Page } from 'playwright-core';
import { openAccount, type TestAccount } from '../support/accounts.ts';
import { succeed } from '../support/system.ts';
import { assertAccessible } from './support/axe.ts';
import { backoffice, openSignedIn, signIn, tablet } from './support/backoffice.ts';
import { heading, lostNetwork, phone, useBrowser } from './support/browser.ts';

const unauthorized = /status of 401/;
const expectedErrors = new RegExp(`${unauthorized.source}|${lostNetwork.source}`);
const minuteMs = 60_000;

async function accountWithVenues(names: string[]): Promise<TestAccount> {
  const account = await openAccount({ name: 'Rui Costa' });
  for (const name of names) {
    const body = { name, timezone: 'Europe/Lisbon' };
    await succeed(createVenue, { token: account.token, body });
  }
  return account;
}

/** As when a session is ended from another device: it has no successor, and the access token expires. */
async function endSessions({ email, password }: TestAccount): Promise<void> {
  const { accessToken: token } = await succeed(login, { body: { email, password } });
  const { data } = await succeed(listSessions, { token });
  for (const { id, current } of data) {
    if (!current) await succeed(endSession, { token, params: { sessionId: id } });
  }
}

describe('a session in the backoffice', () => {
  const { newPage, newContext } = useBrowser();
  let account: TestAccount;
  before(async () => {
    account = await accountWithVenues(['Casa do Cais', 'Casa do Rio']);
  });

  const passwordDialog = (page: Page) =>
    page.getByRole('dialog', { name: 'Please enter your password' });
  const enterPassword = async (page: Page) => {
    await passwordDialog(page).getByLabel('Password', { exact: true }).fill(account.password);
    await page.keyboard.press('Enter');
  };
  const refreshesOf = (context: BrowserContext) => {
    const refreshes: string[] = [];
    context.on('request', (request) => {
      if (request.url().endsWith('/v1/auth/refresh')) refreshes.push(request.url());
    });
    return refreshes;
  };

  it('opens the asked address after signing in, and survives a reload', async () => {
    const context = await newContext(tablet);
    const page = await context.newPage();
    await page.goto(backoffice('/nothing/here?a=b'));
    await heading(page, 'Sign in');
    assert.match(page.url(), /\/backoffice\/sign-in\?returnTo=/);
    await signIn(page, account);
    await heading(page, 'There is no page here');
    assert.match(page.url(), /\/backoffice\/nothing\/here\?a=b$/);
    await page.getByRole('link', { name: 'To the start page' }).click();
    await heading(page, 'Your venues');
    await page.reload();
    await heading(page, 'Your venues');
    await page.getByText('Casa do Rio').waitFor();
  });

  it('keeps its tokens out of reach of scripts', async () => {
    const context = await newContext(tablet);
    const page = await context.newPage();
    await openSignedIn(page, account);
    await page.getByText('Casa do Rio').waitFor();
    const stored = await page.evaluate(() =>
      JSON.stringify({ ...localStorage, ...sessionStorage }),
    );
    assert.match(stored, /Rui Costa/);
    assert.doesNotMatch(stored, /eyJ/);
    assert.equal(await page.evaluate(() => document.cookie), '');
    const [cookie] = await context.cookies(page.url().replace('/backoffice', '/v1/auth'));
    assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, 'Strict']);
  });

  it('refuses a wrong password in words, with the focus on the password', async () => {
    const page = await newPage({ ...tablet, expectedErrors });
    await page.goto(backoffice('/sign-in'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Please enter your e-mail.').waitFor();
    assert.equal(await page.locator(':focus').getAttribute('type'), 'email');
    await page.getByLabel('E-mail').fill(account.email);
    await page.getByLabel('Password', { exact: true }).fill('not this one');
    await page.keyboard.press('Enter');
    await page.getByText('The e-mail or the password is wrong.').waitFor();
    assert.equal(await page.locator(':focus').getAttribute('name'), 'password');
    await signIn(page, account);
  });

  it('asks for the password where one is when it has ended, and goes on with the call', async () => {
    const page = await newPage({ ...tablet, expectedErrors });
    await page.clock.install();
    await page.route('**/v1/venues?*', (route) => route.abort());
    await openSignedIn(page, account);
    await page.getByText('This page could not be loaded').first().waitFor();
    await page.unroute('**/v1/venues?*');
    await endSessions(account);
    await page.clock.fastForward(16 * minuteMs);

    await page.getByRole('button', { name: 'Try again' }).click();
    await passwordDialog(page).getByText(account.email).waitFor();
    await passwordDialog(page).getByLabel('Password', { exact: true }).fill('not this one');
    await page.keyboard.press('Enter');
    await page.getByText('The password is wrong.').waitFor();
    await page.keyboard.press('Escape');
    await passwordDialog(page).waitFor();
    await enterPassword(page);
    await page.getByText('Casa do Rio').waitFor();
    await passwordDialog(page).waitFor({ state: 'detached' });
  });

  it('asks for the password when it has ended in the middle of a press, and the press goes on', async () => {
    const venue = (await succeed(listVenues, { token: account.token })).data[0] as Venue;
    const params = { venueId: venue.id };
    const { token } = account;
    const queue = await succeed(createQueue, { token, params, body: { name: 'Tables' } });
    const ofQueue = { token, params: { queueId: queue.id } };
    const { id: partyId } = await succeed(addParty, { ...ofQueue, body: { name: 'Ana Lima' } });
    const context = await newContext({ ...tablet, expectedErrors });
    const page = await context.newPage();
    await page.clock.install();
    await openSignedIn(page, account, `/venues/${venue.id}/stand`);
    const call = page.getByRole('button', { name: 'Call Ana Lima', exact: true });
    await call.waitFor();

    // The exchange of the cookie is on its way while the host presses.
    const { promise: mayPass, resolve: pass } = Promise.withResolvers<void>();
    await page.route('**/v1/auth/refresh', async (route) => {
      await mayPass;
      await route.continue();
    });
    await endSessions(account);
    await page.clock.fastForward(16 * minuteMs);
    await call.click();
    await page.getByRole('button', { name: 'Seat Ana Lima', exact: true }).waitFor();
    pass();
    await passwordDialog(page).waitFor();
    const { email, password } = account;
    const body = { email, password };
    const { accessToken } = await succeed(login, { body });
    const events = async () =>
      (await succeed(listPartyEvents, { token: accessToken, params: { partyId } })).data;
    assert.deepEqual(
      (await events()).map(({ type }) => type),
      ['party.joined'],
    );
    await enterPassword(page);
    await passwordDialog(page).waitFor({ state: 'detached' });
    await until('the press arrives', async () => (await events()).length > 1);
    assert.deepEqual(
      (await events()).map(({ type }) => type),
      ['party.joined', 'party.called'],
    );
  });

  it('is not ended while another tab exchanges its cookie', async () => {
    const { email, password } = await openAccount();
    const context = await newContext({ ...tablet, expectedErrors });
    const [one, two] = [await context.newPage(), await context.newPage()];
    await openSignedIn(one, { email, password });
    await two.goto(backoffice());
    await two.locator('.frame').waitFor();
    await two.evaluate(() => {
      const { promise, resolve } = Promise.withResolvers<void>();
      Object.assign(globalThis, { endExchange: resolve });
      return new Promise<void>((isHeld) => {
        void navigator.locks.request('backoffice.session', () => {
          isHeld();
          return promise;
        });
      });
    });
    let isSent = false;
    context.on('request', (request) => {
      isSent ||= request.url().endsWith('/v1/auth/logout');
    });
    await one.getByRole('button', { name: 'Account' }).click();
    await one.getByRole('menuitem', { name: 'Sign out' }).click();
    await until('signing out waits', () =>
      one.evaluate(async () => ((await navigator.locks.query()).pending ?? []).length > 0),
    );
    assert.equal(isSent, false);
    await two.evaluate('endExchange()');
    await heading(one, 'Sign in');
    assert.equal(isSent, true);
  });

  it('asks for the password when the app is opened after it has ended, in all tabs', async () => {
    const context = await newContext({ ...tablet, expectedErrors });
    const one = await context.newPage();
    await openSignedIn(one, account);
    await one.getByText('Casa do Rio').waitFor();
    await endSessions(account);
    await one.reload();
    const two = await context.newPage();
    await two.goto(backoffice());
    await passwordDialog(one).waitFor();
    await passwordDialog(two).waitFor();
    await enterPassword(one);
    await passwordDialog(one).waitFor({ state: 'detached' });
    await passwordDialog(two).waitFor({ state: 'detached' });
    await two.getByText('Casa do Rio').waitFor();
  });

  it('is renewed before it expires, once for all tabs', async () => {
    const context = await newContext(tablet);
    await context.clock.install();
    const one = await context.newPage();
    await openSignedIn(one, account);
    const two = await context.newPage();
    await Promise.all([two.waitForResponse('**/v1/venues?*'), two.goto(backoffice())]);
    const refreshes = refreshesOf(context);
    const renewed = context.waitForEvent('response', {
      predicate: (response) => response.url().endsWith('/v1/auth/refresh'),
    });
    await context.clock.fastForward(14.5 * minuteMs);
    assert.equal((await renewed).status(), 200);
    // The new token is good for the next calls of both.
    for (const page of [one, two]) {
      await page.getByRole('link', { name: 'New venue' }).waitFor();
      await page.evaluate(() => navigator.locks.request('backoffice.session', () => {}));
    }
    assert.equal(refreshes.length, 1);
  });

  it('ends in all tabs on signing out, and leaves nothing of the account', async () => {
    const { email, password } = await openAccount();
    const context = await newContext({ ...tablet, expectedErrors });
    const one = await context.newPage();
    await openSignedIn(one, { email, password });
    const two = await context.newPage();
    await two.goto(backoffice());
    await two.locator('.frame').waitFor();
    await one.getByRole('button', { name: 'Account' }).click();
    await one.getByRole('menuitem', { name: 'Sign out' }).click();
    await heading(one, 'Sign in');
    await heading(two, 'Sign in');
    assert.deepEqual(await context.cookies(), []);
    assert.equal(await two.evaluate(() => JSON.stringify({ ...localStorage })), '{}');
    await two.goto(backoffice());
    await heading(two, 'Sign in');
    // The server has ended the session, too: those of opening the account and of this call are left.
    const { accessToken: token } = await succeed(login, { body: { email, password } });
    assert.equal((await succeed(listSessions, { token })).data.length, 2);
  });

  it('can be used with the keyboard alone, and the focus is never lost', async () => {
    const page = await newPage(tablet);
    await page.goto(backoffice());
    const focused = page.locator(':focus');
    await heading(page, 'Sign in');
    await page.keyboard.type(account.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(account.password);
    await page.keyboard.press('Enter');
    await heading(page, 'Your venues');
    assert.equal(await focused.textContent(), 'Your venues');

    await page.reload();
    await heading(page, 'Your venues');
    await page.keyboard.press('Tab');
    assert.equal((await focused.textContent())?.trim(), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await focused.evaluate((element) => element.tagName), 'MAIN');
    await page.keyboard.press('Shift+Tab');
    await page.getByRole('button', { name: 'Account' }).and(focused).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Your account' }).and(focused).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').locator(focused).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Account' }).and(focused).waitFor();
  });

  it('offers to reload when the network has lost a part of the app', async () => {
    const scripts = new Set<string>();
    const known = await newPage(tablet);
    known.on('request', (request) => scripts.add(request.url()));
    await known.goto(backoffice('/sign-in'));
    await heading(known, 'Sign in');
    const page = await newPage({ ...tablet, expectedErrors });
    await page.route('**/backoffice/*.js', (route) =>
      scripts.has(route.request().url()) ? route.continue() : route.abort(),
    );
    await page.goto(backoffice('/verify'));
    await page.getByText('This page could not be loaded').waitFor();
    await page.unroute('**/backoffice/*.js');
    await page.getByRole('button', { name: 'Reload' }).click();
    await heading(page, 'This link no longer works');
  });

  it('offers to reload when the network has lost a file without which the app does not start', async () => {
    const page = await newPage({ ...tablet, locale: 'de-DE', expectedErrors });
    await page.route('**/backoffice/chunk-*.js', (route) => route.abort());
    await page.goto(backoffice('/sign-in'));
    await heading(page, 'Diese Seite konnte nicht geladen werden');
    await page.unroute('**/backoffice/chunk-*.js');
    await page.getByRole('button', { name: 'Neu laden' }).click();
    await heading(page, 'Anmelden');
  });

  it('keeps the language and the appearance of the device', async () => {
    const page = await newPage(phone);
    await openSignedIn(page, account);
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Language and appearance' }).click();
    await page.getByLabel('Language', { exact: true }).selectOption('العربية');
    await page.getByText('داكن').click();
    await page.getByRole('button', { name: 'تم' }).click();
    await page.reload();
    await heading(page, 'أماكنك');
    const root = page.locator('html');
    assert.equal(await root.getAttribute('dir'), 'rtl');
    assert.equal(await root.getAttribute('data-theme'), 'dark');
    const background = await root.evaluate((element) => getComputedStyle(element).backgroundColor);
    assert.equal(background, 'rgb(19, 21, 18)');
  });
});

for (const locale of ['en-GB', 'ar']) {
  describe(`in ${locale}, axe finds nothing on`, () => {
    const { newPage } = useBrowser();
    const open = () => newPage({ ...tablet, locale, expectedErrors, reducedMotion: 'reduce' });

    it('signing in', async () => {
      const page = await open();
      await page.goto(backoffice());
      await page.locator('h1').waitFor();
      await assertAccessible(page, 'sign in');
      await page.locator('button[type=submit]').click();
      await page.locator('[aria-invalid=true]').first().waitFor();
      await assertAccessible(page, 'sign in, nothing entered');
    });

    it('the frame, its menus and dialogs', async () => {
      const account = await accountWithVenues(['Casa do Cais', 'Casa do Rio']);
      const page = await open();
      await openSignedIn(page, account);
      await page.getByText('Casa do Rio').waitFor();
      await assertAccessible(page, 'venues');
      await page.locator('.avatar').click();
      await page.getByRole('menu').waitFor();
      await assertAccessible(page, 'account menu');
      await page.getByRole('menuitem').nth(-2).click();
      await page.getByRole('dialog').waitFor();
      await assertAccessible(page, 'appearance');
      for (const theme of ['light', 'dark', 'contrast']) {
        await page.locator(`input[value=${theme}]`).check({ force: true });
        await assertAccessible(page, `appearance ${theme}`);
      }
      await page.keyboard.press('Escape');
      await page.goto(backoffice('/nothing/here'));
      await page.locator('h1').waitFor();
      await assertAccessible(page, 'no page');
      await endSessions(account);
      await page.goto(backoffice());
      await page.getByRole('dialog').waitFor();
      await assertAccessible(page, 'password dialog');
    });

    it('the first run', async () => {
      const page = await open();
      await openSignedIn(page, await openAccount());
      await page.locator('input[name=queueName]').waitFor();
      await assertAccessible(page, 'first run');
    });
  });
}
