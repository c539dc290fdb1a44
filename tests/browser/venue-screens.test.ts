import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pageUrl } from '@queue-manager/contracts/pages';
import { addParty, callNext } from '@queue-manager/contracts/parties';
import { closeQueue, openQueue, type Queue } from '@queue-manager/contracts/queues';
import { allParties, openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { succeed } from '../support/system.ts';
import { heading, lostNetwork, screen, useBrowser } from './support/browser.ts';

const tablet = { ...screen, viewport: { width: 1024, height: 768 }, hasTouch: true };

describe("a venue's screens", () => {
  const { newPage, newContext } = useBrowser();
  let venue: TestVenue;
  let token: string;
  before(async () => {
    venue = await openVenue('Casa do Cais');
    token = venue.owner.token;
  });

  const ofQueue = ({ id }: Queue) => ({ token, params: { queueId: id } });
  const add = (queue: Queue, name: string) =>
    succeed(addParty, { ...ofQueue(queue), body: { name } });

  it('the board shows calls, the newest first, and how to join', async () => {
    const queue = await openQueueOf(venue, { boardLabels: 'name' });
    const context = await newContext({ ...screen, expectedErrors: lostNetwork });
    const page = await context.newPage();
    await page.goto(pageUrl('', 'board', queue.id));
    await heading(page, 'Tables');
    await page.getByText('Your turn will show here').waitFor();
    const code = page.getByRole('img', { name: /QR code/ });
    await code.waitFor();
    await add(queue, 'Ana Lima');
    await add(queue, 'Bea Reis');
    await succeed(callNext, ofQueue(queue));
    await page
      .getByText(/Ana\s+L/)
      .first()
      .waitFor();

    await context.setOffline(true);
    await page.getByText('No connection').waitFor();
    await succeed(callNext, ofQueue(queue));
    await context.setOffline(false);
    await page
      .getByText(/Bea\s+R/)
      .first()
      .waitFor();
    const shown = (await page.locator('main').textContent()) ?? '';
    assert.ok(shown.indexOf('Bea') < shown.indexOf('Ana'), shown);

    await succeed(closeQueue, ofQueue(queue));
    await page.getByText('The line is closed').waitFor();
    await code.waitFor({ state: 'hidden' });
    await succeed(openQueue, ofQueue(queue));
    await code.waitFor();
  });

  it('the kiosk gives a guest a numbered ticket, and shows the next one nothing of it', async () => {
    const queue = await openQueueOf(venue);
    const page = await newPage(tablet);
    await page.goto(pageUrl('', 'kiosk', queue.joinCode));
    const name = page.getByLabel('Your name');
    await name.fill('Ana');
    await page.getByRole('button', { name: 'Join the line' }).click();
    await heading(page, 'You’re in line');
    const [ana] = await allParties(token, queue.id);
    await page.getByRole('img', { name: 'QR code of your ticket' }).first().waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await name.waitFor();
    assert.equal(await name.inputValue(), '');
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(!kept.includes('Ana') && !kept.includes(String(ana?.ticket)), kept);
  });

  it('the kiosk starts again by itself when its guest has gone', async () => {
    const queue = await openQueueOf(venue);
    const page = await newPage(tablet);
    await page.clock.install();
    await page.goto(pageUrl('', 'kiosk', queue.joinCode));
    const name = page.getByLabel('Your name');
    await name.fill('Ana');
    await page.clock.runFor(12_000);
    await page.getByText('Still there?').waitFor();
    await page.keyboard.press('Shift');
    await page.clock.runFor(12_000);
    assert.equal(await name.inputValue(), 'Ana');
    await page.clock.runFor(9_000);
    await page.waitForFunction(() => document.querySelector('input')?.value === '');
    await page.getByText('Still there?').waitFor({ state: 'hidden' });
  });
});
