import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { changeOccupancy } from '@queue-manager/contracts/occupancy';
import { callParty, type Party } from '@queue-manager/contracts/parties';
import { updateVenue } from '@queue-manager/contracts/venues';
import { until } from '@queue-manager/service-kit/testing';
import type { Page } from 'playwright-core';
import { openAccount, type TestAccount } from '../support/accounts.ts';
import { openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { enlist } from '../support/members.ts';
import { succeed } from '../support/system.ts';
import { assertAccessible } from './support/axe.ts';
import { backoffice, openSignedIn, tablet } from './support/backoffice.ts';
import { heading, lostNetwork, phone, useBrowser } from './support/browser.ts';
import {
  openLine,
  openStand,
  part,
  partyNow,
  press,
  row,
  type TestLine,
  undo,
} from './support/stand.ts';

/** Of the network that the test takes away, and of the press that the server refuses. */
const expectedErrors = new RegExp(`${lostNetwork.source}|status of 409`);

/** In a page: opens the store of the lines as a version of the app that does not make way for others. */
const openLineStore = (version: number) =>
  new Promise<void>((resolve, reject) => {
    const opening = indexedDB.open('queue-manager-line', version);
    opening.onsuccess = () => {
      // Referenced, so that it stays open.
      Object.assign(window, { lineStore: opening.result });
      resolve();
    };
    opening.onerror = () => reject(opening.error);
  });

describe('the stand', () => {
  const { newPage } = useBrowser();
  let owned: TestVenue;
  let host: TestAccount;

  before(async () => {
    owned = await openVenue('Casa do Cais');
    host = await openAccount({ name: 'Rui Costa' });
    await enlist(owned.owner, owned.venue, host, 'host');
  });

  const open = async (
    account: TestAccount,
    line: TestLine,
    options: Parameters<typeof newPage>[0] = tablet,
  ): Promise<Page> => {
    const page = await newPage({ ...options, reducedMotion: 'reduce' });
    await openStand(page, account, line);
    return page;
  };

  it('shows one line to two hosts and a guest, and what another host did', async () => {
    const line = await openLine(owned, 'Inside', [{ name: 'Ana' }, { name: 'Bruno' }]);
    const ana = line.parties[0] as Party;
    const one = await open(owned.owner, line);
    const two = await open(host, line);
    const guest = await newPage(phone);
    await guest.goto(`/t/${ana.ticket}`);
    await guest.getByRole('heading', { level: 1 }).waitFor();

    await one.getByRole('button', { name: /^Call next/ }).click();
    await row(one, 'Called', 'Ana').waitFor();
    await row(two, 'Called', 'Ana').getByText('Called: Olga Owner').waitFor();
    await guest.getByRole('heading', { level: 1, name: /turn/i }).waitFor();
    await press(two, 'Called', 'Ana', 'Seat');
    await row(one, 'Seated', 'Ana').getByText('Seated: Rui Costa').waitFor();
    await until('Ana is seated', async () => (await partyNow(line, ana)).state === 'seated');
    assert.equal(await part(one, 'Waiting').getByRole('listitem').count(), 1);
  });

  it('makes way for a newer version in another tab, and says so', async () => {
    const line = await openLine(owned, 'Versions', [{ name: 'Ana' }]);
    const page = await open(owned.owner, line);
    await row(page, 'Waiting', 'Ana').waitFor();
    const newer = await page.context().newPage();
    await newer.goto(backoffice('/nothing/here'));
    await heading(newer, 'There is no page here');
    await newer.evaluate(openLineStore, 3);
    await page.getByText('Two versions of this app are open.').waitFor();
    await page.reload();
    await page.getByText('Two versions of this app are open.').waitFor();
    await page.locator('.fills[aria-busy=false]').waitFor();
    assert.equal(await page.getByText('Loading the line…').count(), 0);
  });

  it('waits for an older version in another tab, and says so', async () => {
    const older = await newPage({ ...tablet, reducedMotion: 'reduce' });
    await older.goto('/');
    await older.evaluate(openLineStore, 1);
    const page = await older.context().newPage();
    await openSignedIn(page, owned.owner, `/venues/${owned.venue.id}/stand`);
    await page.getByText('Two versions of this app are open.').waitFor();
    await page.getByText('Loading the line…').waitFor();
    await page.locator('.fills[aria-busy=true]').waitFor();
  });

  it('pauses the queue for a manager, and shows it to a host', async () => {
    const line = await openLine(owned, 'Cellar', []);
    const page = await open(owned.owner, line);
    const other = await open(host, line);
    assert.equal(await other.getByRole('button', { name: /Open, pause or close/ }).count(), 0);
    await page.getByRole('button', { name: 'Open, pause or close the queue' }).click();
    await page.getByRole('menuitem', { name: 'Pause the queue' }).click();
    await other.locator('qm-queue-state').getByText('Paused').waitFor();
  });

  it('goes on without network, and shows what another host did meanwhile', async () => {
    const line = await openLine(owned, 'Roof', [
      { name: 'Ana', email: 'ana@example.com' },
      { name: 'Bruno' },
    ]);
    const [ana, bruno] = line.parties as [Party, Party];
    const page = await open(owned.owner, line, { ...tablet, expectedErrors });
    await row(page, 'Waiting', 'Ana').waitFor();
    await page.context().setOffline(true);
    await page.getByText(/No connection. As of/).waitFor();
    await press(page, 'Waiting', 'Ana', 'Call');
    await row(page, 'Called', 'Ana').getByText('Can’t be told while offline').waitFor();
    await press(page, 'Waiting', 'Bruno', 'Call');
    await page.getByText('2 presses wait to be sent.').waitFor();
    await assertAccessible(page, 'stand without network');
    await succeed(callParty, { token: host.token, params: { partyId: bruno.id } });
    await page.context().setOffline(false);

    const conflict = page.getByRole('alert').filter({ hasText: 'needs your decision' });
    await conflict.getByText('Bruno called', { exact: true }).waitFor();
    await conflict.getByText('Called (Rui Costa)').waitFor();
    await assertAccessible(page, 'a press that was refused');
    await conflict.getByRole('button', { name: 'Leave it as it is' }).click();
    await conflict.waitFor({ state: 'detached' });
    await until('Ana is called', async () => (await partyNow(line, ana)).state === 'called');
    await row(page, 'Called', 'Bruno').waitFor();
  });

  for (const locale of ['en-GB', 'ar']) {
    it(`has nothing that axe finds, in ${locale}`, async () => {
      const { queue, parties } = await openLine(owned, `Axe ${locale}`, [
        { name: 'Ana', size: 6, notes: 'Wheelchair' },
        { name: 'Ana', size: 6, lane: 'priority' },
        { name: 'Bruno' },
      ]);
      for (const { id } of parties.slice(1, 2)) {
        await succeed(callParty, { token: owned.owner.token, params: { partyId: id } });
      }
      const page = await newPage({ ...tablet, locale, reducedMotion: 'reduce' });
      await openSignedIn(page, owned.owner, `/venues/${owned.venue.id}/stand`);
      await page.locator('.queues .tab').filter({ hasText: queue.name }).click();
      await page.locator('.part.called qm-party-row').waitFor();
      await assertAccessible(page, 'stand');
      await page.locator('.part.waiting qm-party-row .buttons .icon-only').first().click();
      await page.getByRole('menu').waitFor();
      await assertAccessible(page, 'menu of a party');
      await page.keyboard.press('Escape');
      for (const [menu, what] of [
        ['.filter', 'filters'],
        ['qm-call-next .options', 'who is called next'],
        ['qm-queue-state button', 'state of the queue'],
      ] as const) {
        await page.locator(menu).click();
        await page.getByRole('menu').waitFor();
        await assertAccessible(page, what);
        await page.keyboard.press('Escape');
      }
      const firstRow = page.locator('.part.waiting [data-key]').first();
      for (const key of ['n', '?', 'm', 'e', 't']) {
        await firstRow.focus();
        await page.keyboard.press(key);
        await page.getByRole('dialog').waitFor();
        await assertAccessible(page, `dialog ${key}`);
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      }
      await page.locator('.search input').fill('nobody');
      await page.locator('.part.waiting .empty').waitFor();
      await assertAccessible(page, 'nobody found');
    });
  }
});

describe('the door', () => {
  const { newPage } = useBrowser();
  const number = (page: Page, text: string) =>
    page.locator('.number').getByText(text, { exact: true });

  it('counts people, lets a manager go beyond the capacity, and locks', async () => {
    const owned = await openVenue('Clube');
    const host = await openAccount({ name: 'Rui Costa' });
    await enlist(owned.owner, owned.venue, host, 'host');
    const { token } = owned.owner;
    const params = { venueId: owned.venue.id };
    await succeed(updateVenue, { token, params, body: { capacity: 3 } });
    await openQueueOf(owned);
    const [door, other] = [
      await newPage({ ...tablet, reducedMotion: 'reduce' }),
      await newPage({ ...tablet, reducedMotion: 'reduce' }),
    ];
    await openSignedIn(door, owned.owner, `/venues/${owned.venue.id}/door`);
    await openSignedIn(other, host, `/venues/${owned.venue.id}/door`);
    await number(door, '0').waitFor();
    await door.getByRole('button', { name: '1 in' }).click();
    await number(door, '1').waitFor();
    await number(other, '1').waitFor();
    await other.getByText('by 2').click();
    await other.getByRole('button', { name: '2 in' }).click();
    await number(door, '3').waitFor();
    await door.getByText('Rui Costa').waitFor();
    await other.getByText('Olga Owner').waitFor();

    await other.getByRole('button', { name: '2 in' }).click();
    await other.getByText('A manager can make an exception.').waitFor();
    await door.getByRole('button', { name: '1 in' }).click();
    await door.getByRole('dialog', { name: 'The venue is full' }).waitFor();
    await assertAccessible(door, 'override');
    await door.getByLabel('Reason').fill('The band');
    await door.getByRole('button', { name: 'Let them in' }).click();
    await number(door, '4').waitFor();
    await number(other, '4').waitFor();
    for (const page of [door, other]) await page.getByText('The band').waitFor();
    await undo(door, '1 person in');
    await number(other, '3').waitFor();

    for (const page of [door, other]) await assertAccessible(page, 'door');
    await door.getByRole('button', { name: 'Lock', exact: true }).click();
    const unlock = door.getByRole('button', { name: 'Hold to unlock' });
    await unlock.click();
    await door.keyboard.press('+');
    await assertAccessible(door, 'locked door');
    await unlock.waitFor();
    await succeed(changeOccupancy, { token, params, body: { delta: -1 } });
    await number(door, '2').waitFor();
    await unlock.focus();
    await door.keyboard.down('Enter');
    await door.getByRole('button', { name: '1 in' }).waitFor();
    await door.keyboard.up('Enter');
    await number(door, '2').waitFor();
  });

  it('has its buttons in reach on a small phone without network', async () => {
    const owned = await openVenue('Bar');
    const { token } = owned.owner;
    const params = { venueId: owned.venue.id };
    await openQueueOf(owned);
    for (const delta of [1, 1, 1]) {
      await succeed(changeOccupancy, { token, params, body: { delta } });
    }
    const small = {
      ...phone,
      viewport: { width: 390, height: 600 },
      reducedMotion: 'reduce',
    } as const;
    const door = await newPage({ ...small, expectedErrors });
    await openSignedIn(door, owned.owner, `/venues/${owned.venue.id}/door`);
    await door.locator('.changes li').nth(2).waitFor();
    await door.context().setOffline(true);
    await door.getByText(/No connection. As of/).waitFor();
    await door.getByText('by 2').click();
    await door.getByRole('button', { name: '2 in' }).click();
    await number(door, '5').waitFor();
  });
});
