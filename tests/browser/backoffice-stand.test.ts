import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { changeOccupancy } from '@queue-manager/contracts/occupancy';
import { addParty, callParty, getParty, type Party } from '@queue-manager/contracts/parties';
import type { Queue } from '@queue-manager/contracts/queues';
import { updateVenue } from '@queue-manager/contracts/venues';
import { until } from '@queue-manager/service-kit/testing';
import type { Page } from 'playwright-core';
import { openAccount, type TestAccount } from '../support/accounts.ts';
import { openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { enlist } from '../support/members.ts';
import { succeed } from '../support/system.ts';
import { assertAccessible } from './support/axe.ts';
import { openSignedIn, tablet } from './support/backoffice.ts';
import { heading, lostNetwork, phone, useBrowser } from './support/browser.ts';

const part = (page: Page, name: string) => page.getByRole('list', { name, exact: true });
const row = (page: Page, list: string, name: string) =>
  part(page, list).getByRole('listitem').filter({ hasText: name });
const press = (page: Page, list: string, name: string, button: string) =>
  row(page, list, name)
    .getByRole('button', { name: `${button} ${name}`, exact: true })
    .click();
const toast = (page: Page, text: string) => page.locator('.toast').filter({ hasText: text });
const undo = (page: Page, text: string) =>
  toast(page, text).getByRole('button', { name: 'Undo' }).click();

const firstIs = (page: Page, name: string) =>
  page.locator('.part.waiting [aria-posinset="1"] .name').filter({ hasText: name }).waitFor();

async function chooseOf(page: Page, name: string, item: string): Promise<void> {
  await page.getByRole('button', { name: `More for ${name}` }).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

/** Of the network that the test takes away, and of the press that the server refuses. */
const expectedErrors = new RegExp(`${lostNetwork.source}|status of 409`);

describe('the stand', () => {
  const { newPage } = useBrowser();
  let owned: TestVenue;
  let host: TestAccount;

  before(async () => {
    owned = await openVenue('Casa do Cais');
    host = await openAccount({ name: 'Rui Costa' });
    await enlist(owned.owner, owned.venue, host, 'host');
  });

  /** A queue of its own for a test; all are of one venue, whose stand has a tab for each. */
  async function openLine(
    name: string,
    guests: Partial<Party>[],
  ): Promise<{ queue: Queue; parties: Party[] }> {
    const queue = await openQueueOf(owned, { name });
    const parties: Party[] = [];
    for (const guest of guests) {
      const body = { name: 'Guest', size: 2, ...guest } as { name: string };
      parties.push(
        await succeed(addParty, {
          token: owned.owner.token,
          params: { queueId: queue.id },
          body,
        }),
      );
    }
    return { queue, parties };
  }

  async function openStand(
    account: TestAccount,
    queue: Queue,
    options: Parameters<typeof newPage>[0] = tablet,
  ): Promise<Page> {
    const page = await newPage({ ...options, reducedMotion: 'reduce' });
    await openSignedIn(page, account, `/venues/${owned.venue.id}/stand`);
    await showQueue(page, queue);
    return page;
  }

  async function showQueue(page: Page, queue: Queue): Promise<void> {
    await page.locator('.fills[aria-busy=false]').waitFor();
    const tab = page.locator('.queues .tab').filter({ hasText: queue.name });
    const title = page.getByRole('heading', { level: 1, name: queue.name, exact: true });
    // The only queue has no tab.
    await tab.or(title).waitFor();
    if (await tab.isVisible()) await tab.click();
    await heading(page, new RegExp(queue.name));
  }

  const stateOf = async ({ id }: Party) =>
    (await succeed(getParty, { token: owned.owner.token, params: { partyId: id } })).state;

  it('shows one line to two hosts and a guest, and what another host did', async () => {
    const { queue, parties } = await openLine('Inside', [{ name: 'Ana' }, { name: 'Bruno' }]);
    const one = await openStand(owned.owner, queue);
    const two = await openStand(host, queue);
    const guest = await newPage(phone);
    await guest.goto(`/t/${parties[0]?.ticket}`);
    await guest.getByRole('heading', { level: 1 }).waitFor();

    await one.getByRole('button', { name: /^Call next/ }).click();
    await row(one, 'Called', 'Ana').waitFor();
    await row(two, 'Called', 'Ana').getByText('Called: Olga Owner').waitFor();
    await guest.getByRole('heading', { level: 1, name: /turn/i }).waitFor();
    await press(two, 'Called', 'Ana', 'Seat');
    await row(one, 'Seated', 'Ana').getByText('Seated: Rui Costa').waitFor();
    await until('Ana is seated', async () => (await stateOf(parties[0] as Party)) === 'seated');
    assert.equal(await part(one, 'Waiting').getByRole('listitem').count(), 1);
  });

  it('does every press and takes it back', async () => {
    const { queue, parties } = await openLine('Garden', [
      { name: 'Ana' },
      { name: 'Bruno', size: 4 },
      { name: 'Clara' },
    ]);
    const page = await openStand(owned.owner, queue);
    const [ana] = parties as [Party, Party, Party];
    const becomes = (state: string) =>
      until(`Ana is ${state}`, async () => (await stateOf(ana)) === state);

    await press(page, 'Waiting', 'Ana', 'Call');
    await row(page, 'Called', 'Ana').waitFor();
    await becomes('called');
    await undo(page, 'Ana called');
    await row(page, 'Waiting', 'Ana').waitFor();
    await becomes('waiting');

    await chooseOf(page, 'Ana', 'Seat');
    await row(page, 'Seated', 'Ana').waitFor();
    await undo(page, 'Ana seated');
    await row(page, 'Waiting', 'Ana').waitFor();
    await becomes('waiting');

    await chooseOf(page, 'Ana', 'Remove from the line');
    await row(page, 'Waiting', 'Ana').waitFor({ state: 'detached' });
    await becomes('removed');
    await undo(page, 'Ana removed');
    await row(page, 'Waiting', 'Ana').waitFor();
    await becomes('waiting');

    await press(page, 'Waiting', 'Ana', 'Call');
    await chooseOf(page, 'Ana', 'No-show');
    await becomes('no_show');
    await page.getByRole('button', { name: /^Gone/ }).click();
    await press(page, 'Gone', 'Ana', 'Back to the line');
    await row(page, 'Waiting', 'Ana').waitFor();
    await becomes('waiting');

    await chooseOf(page, 'Clara', 'Move');
    const dialog = page.getByRole('dialog', { name: 'Move Clara' });
    await dialog.getByRole('button', { name: 'To the front' }).click();
    await dialog.getByRole('button', { name: 'Move to 1' }).click();
    await dialog.getByText('Please give a reason.').waitFor();
    await dialog.getByRole('button', { name: 'Wheelchair' }).click();
    await page.keyboard.press('Enter');
    await firstIs(page, 'Clara');
    await undo(page, 'Clara moved');
    await firstIs(page, 'Ana');

    await chooseOf(page, 'Bruno', 'Edit');
    await page.getByLabel('Notes').fill('At the window');
    await page.getByRole('button', { name: 'Save' }).click();
    await row(page, 'Waiting', 'Bruno').getByText('At the window').waitFor();
    await undo(page, 'Bruno changed');
    await row(page, 'Waiting', 'Bruno').getByText('At the window').waitFor({ state: 'detached' });
  });

  it('moves a party by dragging, and pauses the queue', async () => {
    const { queue, parties } = await openLine('Cellar', [
      { name: 'Ana' },
      { name: 'Bruno' },
      { name: 'Clara' },
    ]);
    const page = await openStand(owned.owner, queue);
    await row(page, 'Waiting', 'Clara').locator('.handle').hover();
    await page.mouse.down();
    const target = await row(page, 'Waiting', 'Ana').boundingBox();
    assert.ok(target);
    for (const share of [0.9, 0.5, 0.2]) {
      await page.mouse.move(target.x + 20, target.y + target.height * share, { steps: 5 });
    }
    await page.mouse.up();
    const dialog = page.getByRole('dialog', { name: 'Move Clara' });
    await dialog.getByRole('button', { name: 'Move to 1' }).waitFor();
    await page.keyboard.type('Came back');
    await page.keyboard.press('Enter');
    await firstIs(page, 'Clara');
    await until('Clara is first', async () => {
      const { id } = parties[2] as Party;
      const token = owned.owner.token;
      return (await succeed(getParty, { token, params: { partyId: id } })).position === 1;
    });

    const other = await openStand(host, queue);
    assert.equal(await other.getByRole('button', { name: /Open, pause or close/ }).count(), 0);
    await page.getByRole('button', { name: 'Open, pause or close the queue' }).click();
    await page.getByRole('menuitem', { name: 'Pause the queue' }).click();
    await other.locator('qm-queue-state').getByText('Paused').waitFor();
  });

  it('adds by two fields and Enter, and shows the ticket; all with the keyboard', async () => {
    const { queue } = await openLine('Bar', [{ name: 'Ana' }, { name: 'Bruno' }]);
    const page = await openStand(owned.owner, queue);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await page.getByRole('dialog', { name: 'Add to Bar' }).waitFor();
    await page.keyboard.type('Dora');
    await page.keyboard.press('Tab');
    await page.keyboard.type('3');
    await page.keyboard.press('Enter');
    await page.getByRole('img', { name: 'QR code of the ticket' }).waitFor();
    await page.keyboard.press('Escape');
    await row(page, 'Waiting', 'Dora').waitFor();

    // The first row, then the next that takes its place.
    await page.locator('body').focus();
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('c');
    await row(page, 'Called', 'Ana').waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent?.includes('Bruno'));
    await page.keyboard.press('u');
    await row(page, 'Waiting', 'Ana').waitFor();

    await page.keyboard.press('/');
    await page.keyboard.type('dor');
    await row(page, 'Waiting', 'Ana').waitFor({ state: 'detached' });
    assert.equal(await part(page, 'Waiting').getByRole('listitem').count(), 1);
    await page.keyboard.press('Escape');
    await row(page, 'Waiting', 'Ana').waitFor();
  });

  it('goes on without network, and shows what another host did meanwhile', async () => {
    const { queue, parties } = await openLine('Roof', [
      { name: 'Ana', email: 'ana@example.com' },
      { name: 'Bruno' },
    ]);
    const [ana, bruno] = parties as [Party, Party];
    const page = await openStand(owned.owner, queue, { ...tablet, expectedErrors });
    await row(page, 'Waiting', 'Ana').waitFor();
    await page.context().setOffline(true);
    await page.getByText(/No connection. As of/).waitFor();
    await press(page, 'Waiting', 'Ana', 'Call');
    await row(page, 'Called', 'Ana').getByText('Can’t be told while offline').waitFor();
    await press(page, 'Waiting', 'Bruno', 'Call');
    await page.getByText('2 presses wait to be sent.').waitFor();
    await succeed(callParty, { token: host.token, params: { partyId: bruno.id } });
    await page.context().setOffline(false);

    const conflict = page.getByRole('alert').filter({ hasText: 'needs your decision' });
    await conflict.getByText('Bruno called', { exact: true }).waitFor();
    await conflict.getByText('Called (Rui Costa)').waitFor();
    await conflict.getByRole('button', { name: 'Leave it as it is' }).click();
    await conflict.waitFor({ state: 'detached' });
    await until('Ana is called', async () => (await stateOf(ana)) === 'called');
    await row(page, 'Called', 'Bruno').waitFor();
  });

  for (const locale of ['en-GB', 'ar']) {
    it(`has nothing that axe finds, in ${locale}`, async () => {
      const { queue, parties } = await openLine(`Axe ${locale}`, [
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
      for (const key of ['n', '?']) {
        await page.keyboard.press(key);
        await page.getByRole('dialog').waitFor();
        await assertAccessible(page, `dialog ${key}`);
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      }
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

    await other.getByRole('button', { name: '2 in' }).click();
    await other.getByText('A manager can make an exception.').waitFor();
    await door.getByRole('button', { name: '1 in' }).click();
    await door.getByRole('dialog', { name: 'The venue is full' }).waitFor();
    await door.getByLabel('Reason').fill('The band');
    await door.getByRole('button', { name: 'Let them in' }).click();
    await number(door, '4').waitFor();
    await number(other, '4').waitFor();
    await door.getByText('The band').waitFor();
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
});
