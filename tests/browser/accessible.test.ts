import { before, describe, it } from 'node:test';
import { joinQueue, leaveQueue } from '@queue-manager/contracts/guests';
import { pageUrl } from '@queue-manager/contracts/pages';
import {
  addParty,
  callNext,
  departParty,
  noShowParty,
  type Party,
  removeParty,
  restoreParty,
  seatParty,
} from '@queue-manager/contracts/parties';
import { closeQueue, deleteQueue, pauseQueue, type Queue } from '@queue-manager/contracts/queues';
import { updateVenue } from '@queue-manager/contracts/venues';
import type { Page } from 'playwright-core';
import { openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { succeed } from '../support/system.ts';
import { assertAccessible } from './support/axe.ts';
import { lostNetwork, notFound, phone, screen, useBrowser } from './support/browser.ts';

const expectedErrors = new RegExp(`${notFound.source}|${lostNetwork.source}`);

/** Every page and state is found accessible by axe: in English, and from right to left in Arabic. */
for (const locale of ['en-GB', 'ar']) {
  describe(`in ${locale}, axe finds nothing on`, () => {
    const { newPage, newContext } = useBrowser();
    let venue: TestVenue;
    let token: string;
    before(async () => {
      venue = await openVenue('Casa do Cais');
      token = venue.owner.token;
      await succeed(updateVenue, {
        token,
        params: { venueId: venue.venue.id },
        body: { accentColor: '#f2c14e', locale: locale.slice(0, 2) },
      });
    });

    const ofQueue = ({ id }: Queue) => ({ token, params: { queueId: id } });
    const ofParty = ({ id }: Party) => ({ token, params: { partyId: id } });
    const openQueue = (settings: Parameters<typeof openQueueOf>[1] = {}) =>
      openQueueOf(venue, { name: 'Terrace', text: 'The kitchen closes at eleven.', ...settings });
    const add = (queue: Queue, name: string) =>
      succeed(addParty, { ...ofQueue(queue), body: { name, size: 3 } });
    const onPhone = () => newPage({ ...phone, locale, expectedErrors, reducedMotion: 'reduce' });
    const onScreen = () => newPage({ ...screen, locale, expectedErrors, reducedMotion: 'reduce' });
    const title = (page: Page) => page.getByRole('heading', { level: 1 });
    /** The state has come once the heading is another one. */
    const changed = async (page: Page, change: () => Promise<unknown>) => {
      const old = (await title(page).textContent()) ?? '';
      await change();
      await title(page).filter({ hasNotText: old }).waitFor();
    };

    it('the home page and unknown addresses', async () => {
      const page = await onPhone();
      await page.goto('/');
      await title(page).waitFor();
      await assertAccessible(page, 'home');
      await page.getByRole('button').last().click();
      await assertAccessible(page, 'home, no code');
      for (const path of [
        pageUrl('', 'join', 'NOSUCHCODE'),
        pageUrl('', 'ticket', 'no-such-ticket'),
      ]) {
        await page.goto(path);
        await title(page).waitFor();
        await assertAccessible(page, path);
      }
    });

    it('every state of the page to join', async () => {
      const queue = await openQueue({ maxWaiting: 3 });
      await add(queue, 'Ana');
      const page = await onPhone();
      await page.goto(pageUrl('', 'join', queue.joinCode));
      await page.getByRole('textbox').first().waitFor();
      await assertAccessible(page, 'join');
      await page.locator('button[type=submit]').click();
      await page.locator('[aria-invalid=true]').waitFor();
      await assertAccessible(page, 'join, no name');
      await changed(page, async () => {
        await add(queue, 'Bea');
        await add(queue, 'Carla');
        await page.reload();
      });
      await assertAccessible(page, 'join, full');
      await changed(page, () => succeed(pauseQueue, ofQueue(queue)));
      await assertAccessible(page, 'join, paused');
      await changed(page, () => succeed(closeQueue, ofQueue(queue)));
      await assertAccessible(page, 'join, closed');
      const byStaff = await openQueue({ selfJoin: false });
      await page.goto(pageUrl('', 'join', byStaff.joinCode));
      await title(page).waitFor();
      await assertAccessible(page, 'join, by staff only');
    });

    it('every state of the page of a ticket', async () => {
      const queue = await openQueue();
      const joined = await succeed(joinQueue, {
        params: { joinCode: queue.joinCode },
        body: { name: 'Ana Lima', size: 2 },
      });
      await add(queue, 'Bea');
      const context = await newContext({
        ...phone,
        locale,
        expectedErrors,
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      await page.goto(pageUrl('', 'ticket', joined.ticket));
      await page.getByRole('button').nth(3).waitFor();
      await assertAccessible(page, 'waiting');
      for (const nth of [1, 2]) {
        await page.getByRole('button').nth(-nth).click();
        await page.getByRole('dialog').waitFor();
        await assertAccessible(page, `waiting, dialog ${nth}`);
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'hidden' });
      }
      await context.setOffline(true);
      await page.locator('.notice').filter({ hasText: /./ }).first().waitFor();
      await assertAccessible(page, 'waiting, no network');
      await context.setOffline(false);

      let called: Party | undefined;
      await changed(page, async () => {
        called = await succeed(callNext, ofQueue(queue));
      });
      const party = ofParty(called as Party);
      await assertAccessible(page, 'called');
      await page.getByRole('button').nth(1).click();
      await page.getByRole('dialog').waitFor();
      await assertAccessible(page, 'called, dialog');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      await page.getByRole('button').first().click();
      await page.getByRole('button').nth(2).waitFor({ state: 'detached' });
      await assertAccessible(page, 'confirmed');
      const steps: [string, () => Promise<unknown>][] = [
        ['missed', () => succeed(noShowParty, party)],
        ['restored', () => succeed(restoreParty, party)],
        ['removed', () => succeed(removeParty, party)],
        ['restored again', () => succeed(restoreParty, party)],
        ['left', () => succeed(leaveQueue, { params: { ticket: joined.ticket } })],
        ['restored once more', () => succeed(restoreParty, party)],
        ['seated', () => succeed(seatParty, party)],
        ['departed', () => succeed(departParty, party)],
      ];
      for (const [what, step] of steps) {
        await changed(page, step);
        if (!what.startsWith('restored ')) await assertAccessible(page, what);
      }
      const bea = await add(queue, 'Bea');
      await page.goto(pageUrl('', 'ticket', bea.ticket));
      await title(page).waitFor();
      await changed(page, () => succeed(deleteQueue, ofQueue(queue)));
      await assertAccessible(page, 'deleted queue');
    });

    it('the board', async () => {
      const queue = await openQueue({ boardLabels: 'name' });
      for (const name of ['Ana Lima', 'Bea Reis', 'Carla Dias']) await add(queue, name);
      const page = await onScreen();
      await page.goto(pageUrl('', 'board', queue.id));
      await title(page).waitFor();
      await assertAccessible(page, 'board, nobody called');
      await succeed(callNext, ofQueue(queue));
      await succeed(callNext, ofQueue(queue));
      await page.getByText('Bea').first().waitFor();
      await assertAccessible(page, 'board');
      await changed(page, () => succeed(deleteQueue, ofQueue(queue))).catch(() => {});
      await assertAccessible(page, 'board of a deleted queue');
    });

    it('the kiosk', async () => {
      const queue = await openQueue();
      const page = await onScreen();
      await page.goto(pageUrl('', 'kiosk', queue.joinCode));
      await page.getByRole('textbox').first().fill('Ana');
      await assertAccessible(page, 'kiosk');
      await page.locator('button[type=submit]').click();
      await page.getByRole('img').first().waitFor();
      await assertAccessible(page, 'kiosk, joined');
      await page.reload();
      await page.getByRole('textbox').first().waitFor();
      await page.getByRole('button').first().click();
      await page.getByRole('dialog').waitFor();
      await assertAccessible(page, 'kiosk, printer');
      await changed(page, () => succeed(closeQueue, ofQueue(queue)));
      await assertAccessible(page, 'kiosk, closed');
    });
  });
}
