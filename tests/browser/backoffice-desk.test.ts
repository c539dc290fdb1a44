import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, it } from 'node:test';
import { joinQueue, leaveQueue } from '@queue-manager/contracts/guests';
import {
  addParty,
  callParty,
  departParty,
  moveParty,
  noShowParty,
  type Party,
  seatParty,
} from '@queue-manager/contracts/parties';
import type { Queue } from '@queue-manager/contracts/queues';
import { createVenue, updateVenue } from '@queue-manager/contracts/venues';
import type { Page } from 'playwright-core';
import { openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { succeed } from '../support/system.ts';
import { assertAccessible } from './support/axe.ts';
import { backoffice, openSignedIn, tablet } from './support/backoffice.ts';
import { heading, useBrowser } from './support/browser.ts';

type Night = TestVenue & { tables: Queue; bar: Queue; parties: Record<string, Party> };

/**
 * A small night: at the tables, Ana (4 people) and Bea (2) were seated, and Bea has gone; Caio did not come; Davi left by
 * himself; Eva waits in front of Fábio, since she was moved from 2nd to 1st. At the bar, Gil was seated.
 */
async function makeNight(): Promise<Night> {
  const opened = await openVenue('Casa do Cais');
  const { token } = opened.owner;
  const params = { venueId: opened.venue.id };
  await succeed(updateVenue, { token, params, body: { capacity: 40 } });
  const tables = await openQueueOf(opened, { name: 'Tables' });
  const bar = await openQueueOf(opened, { name: 'Bar' });
  const add = (queue: Queue, name: string, size: number) =>
    succeed(addParty, { token, params: { queueId: queue.id }, body: { name, size } });
  const ana = await add(tables, 'Ana', 4);
  const bea = await add(tables, 'Bea', 2);
  const caio = await add(tables, 'Caio', 3);
  const davi = await succeed(joinQueue, {
    params: { joinCode: tables.joinCode },
    body: { name: 'Davi', size: 2 },
  });
  const fabio = await add(tables, 'Fábio', 5);
  const eva = await add(tables, 'Eva', 1);
  const gil = await add(bar, 'Gil', 2);
  for (const { id } of [ana, bea, caio]) {
    await succeed(callParty, { token, params: { partyId: id } });
  }
  for (const { id } of [ana, bea, gil]) {
    await succeed(seatParty, { token, params: { partyId: id } });
  }
  await succeed(departParty, { token, params: { partyId: bea.id } });
  await succeed(noShowParty, { token, params: { partyId: caio.id } });
  await succeed(leaveQueue, { params: { ticket: davi.ticket } });
  const body = { position: 1, reason: 'wheelchair' };
  await succeed(moveParty, { token, params: { partyId: eva.id }, body });
  return { ...opened, tables, bar, parties: { ana, bea, caio, fabio, eva, gil } };
}

const number = (page: Page, name: string) =>
  page.locator('.numbers > div', { has: page.getByText(name, { exact: true }) }).locator('dd');

/** Waits until a number of the screen is this one. */
async function awaitNumber(page: Page, name: string, value: string): Promise<void> {
  await number(page, name).getByText(value, { exact: true }).waitFor();
}

describe("the owner's desk", () => {
  const { newPage } = useBrowser();
  let night: Night;
  before(async () => {
    night = await makeNight();
  });
  const open = async (screen: string, options = tablet) => {
    const page = await newPage(options);
    await openSignedIn(page, night.owner, `/venues/${night.venue.id}/${screen}`);
    return page;
  };

  it('reports a night of all lines, on screen and in files', async () => {
    const page = await open('reports');
    await heading(page, 'Reports');
    await awaitNumber(page, 'Parties', '7');
    await awaitNumber(page, 'People seated', '8');
    // Of four that were called or seated and Davi.
    await awaitNumber(page, 'Left before the call', '20%');
    await awaitNumber(page, 'No-shows', '33%');
    await page.getByRole('img', { name: 'How long guests waited' }).waitFor();

    const figure = page.locator('figure', { hasText: 'How it stands with them now' });
    await figure.getByText('Table').click();
    const cells = await figure.getByRole('row', { name: 'No-show' }).allInnerTexts();
    assert.deepEqual(
      cells.map((row) => row.split(/\s+/)),
      [['No-show', '1', '14.3']],
    );
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      figure.getByRole('button', { name: 'CSV' }).click(),
    ]);
    assert.match(download.suggestedFilename(), /^outcomes-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/);
    const lines = (await readFile(await download.path(), 'utf8')).split('\r\n');
    assert.equal(lines[0], '\uFEFF"Outcome","Parties","Share (%)"');
    assert.deepEqual(lines.slice(1), [
      '"Waiting",2,28.6',
      '"Called",0,0',
      '"Seated",2,28.6',
      '"Seated, gone since",1,14.3',
      '"No-show",1,14.3',
      '"Left by themselves",1,14.3',
      '"Removed by staff",0,0',
      '',
    ]);
  });

  it('reports one of several lines, and other periods', async () => {
    const page = await open('reports');
    await awaitNumber(page, 'Parties', '7');
    await page.getByLabel('Tables').uncheck();
    await awaitNumber(page, 'Parties', '1');
    await awaitNumber(page, 'People seated', '2');
    await page.getByRole('link', { name: '30 days' }).click();
    await page.getByRole('region', { name: 'by weekday and hour' }).first().waitFor();
    await awaitNumber(page, 'Parties', '1');
    await page.getByRole('link', { name: 'Last night' }).click();
    await page.getByText('Nobody joined in this period').waitFor();
    // The address names what is shown.
    await page.goBack();
    await awaitNumber(page, 'Parties', '1');
  });

  it('tells the history in words, of the line and of a party', async () => {
    const page = await open('history');
    await heading(page, 'History');
    // Not by the order in which they were created.
    await page.getByLabel('Queue', { exact: true }).selectOption('Tables');
    await page.getByText('Olga Owner moved Eva from 2nd to 1st: wheelchair').waitFor();
    await page.getByText('Davi left the line').waitFor();
    await page.getByText('Olga Owner marked Caio as a no-show').waitFor();
    await page.getByRole('link', { name: 'History of Bea' }).first().click();
    await heading(page, 'History');
    await page.getByRole('heading', { name: 'History of Bea' }).waitFor();
    const told = await page.locator('.events p').allInnerTexts();
    assert.deepEqual(
      told.map((text) => text.replace(/\s*#\d+$/, '')),
      [
        'Olga Owner noted that Bea has gone',
        'Olga Owner seated Bea',
        'Olga Owner called Bea',
        'Olga Owner added Bea',
      ],
    );
  });

  it('shows the line as it stood, by slider and keyboard', async () => {
    const page = await open(`history?queue=${night.tables.id}`);
    const waiting = page.locator('.part', { hasText: 'Waiting' }).getByRole('listitem');
    const names = async () =>
      (await waiting.locator('bdi').allInnerTexts()).map((name) => name.trim());
    const slider = page.getByRole('slider', { name: 'Moment of the night' });
    // With the last event, all has happened.
    await slider.focus();
    await page.keyboard.press('End');
    await page.getByText('Olga Owner moved Eva').waitFor();
    await waiting.getByText('Eva').waitFor();
    assert.deepEqual(await names(), ['Eva', 'Fábio']);
    // Before she was moved.
    await page.getByRole('button', { name: 'Previous change' }).click();
    await page.getByRole('button', { name: 'Previous change' }).click();
    await page.waitForFunction(
      () => document.querySelector('.part bdi')?.textContent?.trim() === 'Fábio',
    );
    assert.deepEqual(await names(), ['Fábio', 'Eva']);
    await slider.focus();
    await page.keyboard.press('Home');
    await page.getByText('Nobody was waiting.').waitFor();
  });

  it('tells no number of tonight before all of the line has been read', async () => {
    const page = await newPage(tablet);
    const isRead = Promise.withResolvers<void>();
    await page.route(/\/parties\?/, async (route) => {
      await isRead.promise;
      await route.continue();
    });
    await openSignedIn(page, night.owner, `/venues/${night.venue.id}/tonight`);
    const bar = page.locator('.lines li', { hasText: 'Bar' });
    await bar.waitFor();
    for (const name of ['Waiting', 'Called']) await awaitNumber(page, name, '–');
    assert.equal(await bar.locator('.facts dd').first().textContent(), '–');
    isRead.resolve();
    await number(page, 'Waiting').getByText('6 people').waitFor();
  });

  it('shows tonight live', async () => {
    const page = await open('tonight');
    await heading(page, 'Tonight');
    await page.getByText('Live', { exact: true }).waitFor();
    const { token } = night.owner;
    await number(page, 'Waiting').getByText('6 people').waitFor();
    await awaitNumber(page, 'People seated', '8');
    await number(page, 'Inside').getByText('6 of 40').waitFor();
    const params = { queueId: night.bar.id };
    const hugo = await succeed(addParty, { token, params, body: { name: 'Hugo', size: 3 } });
    await number(page, 'Waiting').getByText('9 people').waitFor();
    await succeed(callParty, { token, params: { partyId: hugo.id } });
    await awaitNumber(page, 'Called', '1');
    await succeed(seatParty, { token, params: { partyId: hugo.id } });
    await awaitNumber(page, 'Called', '0');
    await number(page, 'Inside').getByText('9 of 40').waitFor();
    await awaitNumber(page, 'People seated', '11');
  });

  it('goes on telling while more happens', async () => {
    const page = await open(`history?queue=${night.bar.id}`);
    await page.getByText('Olga Owner seated Gil').waitFor();
    const slider = page.getByRole('slider', { name: 'Moment of the night' });
    await slider.focus();
    await page.keyboard.press('End');
    const params = { queueId: night.bar.id };
    const body = { name: 'Ivo', size: 1 };
    await succeed(addParty, { token: night.owner.token, params, body });
    await page.getByText('Olga Owner added Ivo').waitFor();
    const waiting = page.locator('.part', { hasText: 'Waiting' });
    await waiting.getByText('Ivo', { exact: true }).waitFor();
    await slider.focus();
    await page.keyboard.press('Home');
    await waiting.getByText('Nobody was waiting.').waitFor();
    const { token } = night.owner;
    await succeed(addParty, { token, params, body: { name: 'Jana', size: 1 } });
    await page.getByText('Olga Owner added Jana').waitFor();
    await waiting.getByText('Nobody was waiting.').waitFor();
  });

  it('lists several venues with their numbers', async () => {
    const page = await newPage(tablet);
    const { owner } = await openVenue('Bar do Rio');
    const body = { name: 'Bar do Mar', timezone: 'Europe/Lisbon' };
    const venue = await succeed(createVenue, { token: owner.token, body });
    const queue = await openQueueOf({ owner, venue });
    const party = { name: 'Ana', size: 2 };
    const params = { queueId: queue.id };
    await succeed(addParty, { token: owner.token, params, body: party });
    await openSignedIn(page, owner);
    await heading(page, 'Your venues');
    const tile = page.locator('.tile', { hasText: 'Bar do Mar' });
    await tile.locator('dl > div', { hasText: 'Waiting' }).getByText('1').waitFor();
    const other = page.locator('.tile', { hasText: 'Bar do Rio' });
    await other.locator('dl > div', { hasText: 'Waiting' }).getByText('0').waitFor();
  });

  for (const locale of ['en-GB', 'ar']) {
    it(`is accessible in ${locale}`, async () => {
      const page = await open('reports?period=days7', { ...tablet, locale });
      await page.locator('.numbers').waitFor();
      await page.locator('svg[role=img]').first().waitFor();
      await assertAccessible(page, 'reports of a week');
      const { id } = night.venue;
      await page.goto(backoffice(`/venues/${id}/reports`));
      await page.locator('svg[role=img]').first().waitFor();
      for (const details of await page.locator('figure summary').all()) await details.click();
      await assertAccessible(page, 'report of a night with its tables');
      await page.goto(backoffice(`/venues/${id}/reports?period=lastNight`));
      await page.locator('.empty').waitFor();
      await assertAccessible(page, 'report without guests');
      await page.goto(backoffice(`/venues/${id}/history?queue=${night.tables.id}`));
      await page.locator('.events').waitFor();
      await assertAccessible(page, 'history');
      await page.goto(backoffice(`/venues/${id}/tonight`));
      await page.locator('.lines').waitFor();
      await assertAccessible(page, 'tonight');
    });
  }
});
