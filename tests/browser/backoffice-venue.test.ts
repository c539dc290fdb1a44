import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { getQueue } from '@queue-manager/contracts/queues';
import { until } from '@queue-manager/service-kit/testing';
import type { Page } from 'playwright-core';
import { openAccount, randomEmail, randomPassword, type TestAccount } from '../support/accounts.ts';
import { allParties, openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { enlist } from '../support/members.ts';
import { awaitMails, succeed } from '../support/system.ts';
import { assertAccessible } from './support/axe.ts';
import { backoffice, openSignedIn, signIn, tablet } from './support/backoffice.ts';
import { heading, phone, useBrowser } from './support/browser.ts';
import { printedCode, printedPages } from './support/paper.ts';

const press = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: typeof name === 'string' }).click();
const fill = (page: Page, label: string, value: string) =>
  page.getByLabel(label, { exact: true }).fill(value);
const told = (page: Page, text: string) => page.locator('.toast').getByText(text).waitFor();
const dialog = (page: Page, name: string) => page.getByRole('dialog', { name });
const at = ({ venue }: TestVenue, path: string) => `/venues/${venue.id}/${path}`;

describe('the first run', () => {
  const { newPage } = useBrowser();

  it('leads from signing up to a poster that a guest joins from', async () => {
    const page = await newPage({ ...tablet, hasTouch: false });
    const [email, password] = [randomEmail(), randomPassword()];
    await page.goto(backoffice('/sign-up'));
    await fill(page, 'Your name', 'Olga Sousa');
    await fill(page, 'E-mail', email);
    await fill(page, 'Password', password);
    await press(page, 'Create an account');
    await heading(page, 'Check your mail');
    const [mail] = await awaitMails(email, 1);
    await page.goto(/https?:\/\/\S+/.exec(mail?.text ?? '')?.[0] ?? '');
    await fill(page, 'Password', password);
    await press(page, 'Sign in');

    await heading(page, 'Set up your venue');
    assert.equal(await page.getByLabel('Time zone').inputValue(), 'Europe/Lisbon');
    assert.equal(await page.getByLabel('Language', { exact: true }).inputValue(), 'en-GB');
    await press(page, 'Create and make the poster');
    await page.getByText('Please enter a name of up to 80 characters.').waitFor();
    assert.equal(await page.locator(':focus').getAttribute('name'), 'name');
    await fill(page, 'Name of the venue', 'Casa do Cais');
    await page.keyboard.press('Enter');

    await heading(page, 'Poster');
    await page.locator('.sheet-code').waitFor();
    const joinUrl = await page.getByLabel('Join link').inputValue();
    assert.equal(await printedCode(page, '.sheet'), joinUrl);
    assert.deepEqual(await printedPages(page), [[595, 842]]);
    await page.getByText('A5', { exact: true }).click();
    await page.locator('.sheet.a5').waitFor();
    assert.deepEqual(await printedPages(page), [[420, 595]]);
    await page.getByLabel('Language of the poster').selectOption('ar');
    await page.getByText('انتظر حيث تشاء').waitFor();
    assert.equal(await printedCode(page, '.sheet'), joinUrl);

    const board = await newPage(phone);
    await board.goto(await page.getByLabel('Board').first().inputValue());
    await heading(board, 'Tables');
    const guest = await newPage(phone);
    await guest.goto(joinUrl);
    await guest.getByLabel('Your name').fill('Rui');
    await guest.getByRole('button', { name: 'Join the line' }).click();
    await guest.waitForURL(/\/t\//);

    await page.goto(backoffice('/'));
    await page.getByRole('navigation', { name: 'Venue' }).waitFor();
    await page.goto(page.url().replace(/(venues\/[^/]+)\/.*/, '$1/settings'));
    await page.getByText('1 waiting').waitFor();
  });
});

describe('the settings', () => {
  const { newPage } = useBrowser();
  let venue: TestVenue;
  before(async () => {
    venue = await openVenue('Casa do Rio');
  });

  it('change the venue, and tell at the field what is wrong', async () => {
    const page = await newPage(tablet);
    await openSignedIn(page, venue.owner, at(venue, 'settings/venue'));
    await heading(page, 'Venue');
    await fill(page, 'People inside at most', 'many');
    await fill(page, 'Keep guests’ data for (days)', '');
    await press(page, 'Save');
    await page.getByText('Please enter a whole number from 1 to 1,000,000.').waitFor();
    await page.getByText('Please enter a whole number from 1 to 3,650.').waitFor();
    assert.equal(await page.locator(':focus').getAttribute('name'), 'capacity');
    await fill(page, 'People inside at most', '120');
    await fill(page, 'Keep guests’ data for (days)', '7');
    await fill(page, 'Name', 'Casa da Ponte');
    await page.getByText('Violet').click();
    await page.getByText('Send events to our own programs').click();
    await press(page, 'Save');
    await told(page, 'Saved.');
    await page.locator('.bar').getByText('Casa da Ponte').waitFor();
    await page.reload();
    assert.equal(await page.getByLabel('People inside at most').inputValue(), '120');
    assert.ok(await page.getByLabel('Violet').isChecked());
    assert.ok(await page.getByLabel('Send events to our own programs').isChecked());
  });

  it('keep their tabs in one row on a phone, the current one in sight', async () => {
    const page = await newPage({ ...phone, locale: 'de' });
    await openSignedIn(page, venue.owner, at(venue, 'settings/messages'));
    await heading(page, 'Zustellfehler');
    const tabs = page.locator('.tabs');
    const links = tabs.getByRole('link');
    const assertInSight = async (name: string) => {
      const current = tabs.locator('[aria-current=page]');
      assert.equal((await current.textContent())?.trim(), name);
      const [row, tab] = [await tabs.boundingBox(), await current.boundingBox()];
      assert.ok(row && tab);
      const cut = Math.max(row.x - tab.x, tab.x + tab.width - row.x - row.width);
      assert.ok(cut < 1, `${name} is cut off by ${cut} px`);
    };
    await assertInSight('Zustellfehler');
    const tops = await links.evaluateAll((all) =>
      all.map((tab) => tab.getBoundingClientRect().top),
    );
    assert.equal(new Set(tops).size, 1);
    await links.first().focus();
    for (const name of ['Warteschlangen', 'Betrieb', 'API-Schlüssel', 'Zustellfehler']) {
      await page.keyboard.press('Enter');
      await heading(page, name);
      await assertInSight(name);
      await tabs.locator('[aria-current=page]').focus();
      await page.keyboard.press('Tab');
    }
  });

  it('show at the field what only the server refuses', async () => {
    const page = await newPage({ ...tablet, expectedErrors: /status of 400/ });
    const queue = await openQueueOf(venue, { name: 'Bar' });
    await openSignedIn(page, venue.owner, at(venue, `settings/queues/${queue.id}`));
    await fill(page, 'Text while they wait', 'x'.repeat(2_001));
    await press(page, 'Save');
    await page.getByText('Please enter no more than 2,000 characters.').waitFor();
    assert.equal(await page.locator(':focus').getAttribute('name'), 'text');
  });

  it('take a queue from its creation to its end', async () => {
    const page = await newPage(tablet);
    await openSignedIn(page, venue.owner, at(venue, 'settings/queues/new'));
    await fill(page, 'Name', 'Terrace');
    await press(page, 'Create the queue');
    await heading(page, 'Terrace');
    const id = page.url().split('/').at(-1) ?? '';
    const queue = () => succeed(getQueue, { token: venue.owner.token, params: { queueId: id } });

    await fill(page, 'Largest party', '6');
    await fill(page, 'Parties waiting at most', '40');
    await fill(page, 'Minutes to come after a call', '10');
    await fill(page, 'Text while they wait', 'Fado at ten');
    await page.getByLabel('Called guests on the board').selectOption('name');
    await page.getByLabel('Guests can join themselves').uncheck();
    await press(page, 'Save');
    await told(page, 'Saved.');
    const { state, maxPartySize, maxWaiting, callGraceSeconds, text, ...rest } = await queue();
    assert.deepEqual(
      [state, maxPartySize, maxWaiting, callGraceSeconds, text, rest.boardLabels, rest.selfJoin],
      ['open', 6, 40, 600, 'Fado at ten', 'name', false],
    );

    await press(page, 'Pause');
    await page.getByText('You go on calling those who wait.').waitFor();
    await press(page, 'Close…');
    await dialog(page, 'Close the queue?').getByText('Nobody is waiting.').waitFor();
    await press(page, 'Close the queue');
    await page.getByText('Closed', { exact: true }).waitFor();
    await press(page, 'Open');
    await page.getByText('Guests can join.').waitFor();
    assert.equal((await queue()).state, 'open');

    const before = await page.getByLabel('Join link').inputValue();
    await press(page, 'New join code…');
    await dialog(page, 'Replace the join code?').getByText('stops working at once').waitFor();
    await press(page, 'Replace the code');
    await told(page, 'Print a new poster.');
    const after = await page.getByLabel('Join link').inputValue();
    assert.notEqual(after, before);
    assert.equal(after, (await queue()).joinUrl);

    await press(page, 'Delete the queue…');
    const deletion = dialog(page, 'Delete the queue');
    await deletion.getByRole('textbox').fill('Terrasse');
    await press(page, 'Delete it for good');
    await deletion.getByText('This is not the name.').waitFor();
    await deletion.getByRole('textbox').fill('Terrace');
    await press(page, 'Delete it for good');
    await told(page, 'The queue has been deleted.');
    await heading(page, 'Queues');
    assert.equal(await page.getByText('Terrace').count(), 0);
  });

  it('end the wait of those in line when a queue is closed, if they are told to', async () => {
    const queue = await openQueueOf(venue, { name: 'Garden' });
    const guest = await newPage(phone);
    await guest.goto(queue.joinUrl);
    await guest.getByLabel('Your name').fill('Ana');
    await guest.getByRole('button', { name: 'Join the line' }).click();
    await guest.waitForURL(/\/t\//);
    const page = await newPage(tablet);
    await openSignedIn(page, venue.owner, at(venue, `settings/queues/${queue.id}`));
    await press(page, 'Close…');
    await page.getByText('1 party is waiting.').waitFor();
    await page.getByText('End their wait').click();
    await press(page, 'Close the queue');
    await told(page, 'closed');
    await until('nobody waits', async () => {
      const removed = await allParties(venue.owner.token, queue.id, 'removed');
      return removed.length === 1;
    });
    assert.deepEqual(await allParties(venue.owner.token, queue.id), []);
  });

  it('show an API key once, and revoke it', async () => {
    const page = await newPage(tablet);
    await openSignedIn(page, venue.owner, at(venue, 'settings/keys'));
    await page.getByText('There are no keys.').waitFor();
    await fill(page, 'What is the key for?', 'Booking');
    await press(page, 'Create a key');
    const shown = dialog(page, 'Your new key');
    assert.match(await shown.getByRole('textbox').inputValue(), /^qm_/);
    await press(page, 'Done');
    await page.getByRole('button', { name: 'Delete Booking' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Delete Booking' }).waitFor();
    assert.equal(await page.getByText(/qm_/).count(), 0);
    await press(page, 'Delete Booking');
    await press(page, 'Delete the key');
    await told(page, 'The key no longer works.');
    await page.getByText('There are no keys.').waitFor();
  });

  it('list no message where every one got through', async () => {
    const page = await newPage(tablet);
    await openSignedIn(page, venue.owner, at(venue, 'settings/messages'));
    await page.getByText('Every message got through').waitFor();
  });
});

describe('the team', () => {
  const { newPage } = useBrowser();
  let venue: TestVenue;
  let [manager, host]: TestAccount[] = [];
  before(async () => {
    venue = await openVenue('Casa do Mar');
    manager = await openAccount({ name: 'Marta Lima' });
    host = await openAccount({ name: 'Hugo Reis' });
    await enlist(venue.owner, venue.venue, manager, 'manager');
    await enlist(venue.owner, venue.venue, host, 'host');
  });

  it('is invited, promoted and removed by an owner', async () => {
    const page = await newPage(tablet);
    const invited = await openAccount({ name: 'Nuno Cruz' });
    await openSignedIn(page, venue.owner, at(venue, 'team'));
    await fill(page, 'E-mail', 'nobody');
    await press(page, 'Send the invitation');
    await page.getByText('Please enter a valid e-mail address.').waitFor();
    await fill(page, 'E-mail', randomEmail());
    await page.getByLabel('Role', { exact: true }).selectOption('owner');
    await press(page, 'Send the invitation');
    await page.getByText(/Owner, valid until/).waitFor();
    await press(page, /^Revoke/);
    await told(page, 'The invitation no longer works.');
    await page.getByText('There are no open invitations.').waitFor();

    await enlist(venue.owner, venue.venue, invited, 'host');
    await page.reload();
    await page.getByLabel('Role of Nuno Cruz').selectOption('manager');
    await told(page, 'Nuno Cruz now has the role: Manager.');
    await page.reload();
    assert.equal(await page.getByLabel('Role of Nuno Cruz').inputValue(), 'manager');
    await press(page, 'Remove Nuno Cruz');
    await press(page, 'Remove from the team');
    await told(page, 'Nuno Cruz has been removed.');
    assert.equal(await page.getByText('Nuno Cruz', { exact: true }).count(), 0);
  });

  it('keeps its last owner', async () => {
    const page = await newPage({ ...tablet, expectedErrors: /status of 409/ });
    await openSignedIn(page, venue.owner, at(venue, 'team'));
    const role = page.getByLabel('Role of Olga Owner');
    await role.selectOption('host');
    await told(page, 'A venue needs at least one owner.');
    assert.equal(await role.inputValue(), 'owner');
  });

  it('sees what each role may', async () => {
    const page = await newPage(tablet);
    await openSignedIn(page, host as TestAccount, at(venue, 'team'));
    await page.getByText('Marta Lima').waitFor();
    assert.equal(await page.getByRole('button', { name: /Remove|invitation/ }).count(), 0);
    assert.equal(await page.getByRole('link', { name: 'Settings' }).count(), 0);
    await page.goto(backoffice(at(venue, 'settings/venue')));
    await heading(page, 'There is no page here');

    const other = await newPage(tablet);
    await openSignedIn(other, manager as TestAccount, at(venue, 'team'));
    await other.getByText('Hugo Reis').waitFor();
    assert.equal(await other.getByRole('button', { name: /Remove/ }).count(), 0);
    assert.deepEqual(await other.getByLabel('Role', { exact: true }).locator('option').count(), 1);
    await other.goto(backoffice(at(venue, 'settings/venue')));
    await heading(other, 'Venue');
    assert.equal(await other.getByRole('button', { name: 'Delete the venue…' }).count(), 0);
  });
});

for (const locale of ['en-GB', 'ar']) {
  describe(`in ${locale}, axe finds nothing on`, () => {
    const { newPage } = useBrowser();
    let venue: TestVenue;
    before(async () => {
      venue = await openVenue('Casa da Luz');
      await openQueueOf(venue);
    });

    it('the screens of the venue', async () => {
      const page = await newPage({ ...tablet, locale, reducedMotion: 'reduce' });
      await page.goto(backoffice('/first-run'));
      await signIn(page, venue.owner);
      const screens = {
        'first-run': 'input[name=queueName]',
        [at(venue, 'poster').slice(1)]: '.sheet-code',
        [at(venue, 'team').slice(1)]: '.rows select',
        [at(venue, 'settings/queues').slice(1)]: '.tile',
        [at(venue, 'settings/queues/new').slice(1)]: 'input[name=name]',
        [at(venue, 'settings/venue').slice(1)]: 'input[name=capacity]',
        [at(venue, 'settings/keys').slice(1)]: '.rows',
        [at(venue, 'settings/messages').slice(1)]: '.empty',
      };
      for (const [path, shown] of Object.entries(screens)) {
        await page.goto(backoffice(`/${path}`));
        await page.locator(shown).first().waitFor();
        await assertAccessible(page, path);
      }
      await page.goto(backoffice(at(venue, 'settings/queues')));
      await page.locator('.tile').click();
      await page.locator('qm-queue-form').waitFor();
      await assertAccessible(page, 'queue');
      await page.locator('.button.danger').click();
      await page.getByRole('dialog').waitFor();
      await page.getByRole('dialog').locator('.danger').click();
      await page.locator('[aria-invalid=true]').waitFor();
      await assertAccessible(page, 'deletion');
    });
  });
}
