import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openQueueTables } from '@queue-manager/bench/measure/queue-tables';
import { callNext, getParty, restoreParty } from '@queue-manager/contracts/parties';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import type { Locator, Page } from 'playwright-core';
import { openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { succeed } from '../support/system.ts';
import { openSignedIn, tablet } from './support/backoffice.ts';
import { useBrowser } from './support/browser.ts';

const waiting = 2_000;
/** Twice what fits on the screen, and the rows in front and behind. */
const renderedMax = 40;

async function fill(queueId: string, count: number): Promise<void> {
  const tables = await openQueueTables(testEnv('SYSTEM_MYSQL_URL'));
  try {
    await tables.fillLine(queueId, count);
  } finally {
    await tables.close();
  }
}

const rows = (page: Page) => page.locator('.part.waiting [data-key]');
const at = (page: Page, position: number) =>
  page.locator(`.part.waiting [aria-posinset="${position}"]`);
const keyOf = async (row: Locator) => (await row.getAttribute('data-key')) as string;
const called = (page: Page, key: string) => page.locator(`.part.called [data-key="${key}"]`);

describe('a line of 2,000 at the stand', () => {
  const { newPage } = useBrowser();

  async function openStand(): Promise<{ page: Page; owned: TestVenue; queueId: string }> {
    const owned = await openVenue('Long Night');
    const queue = await openQueueOf(owned);
    await fill(queue.id, waiting);
    const page = await newPage({ ...tablet, reducedMotion: 'reduce' });
    await openSignedIn(page, owned.owner, `/venues/${owned.venue.id}/stand`);
    await page.locator('.fills[aria-busy=false]').waitFor();
    await page.locator(`.part.waiting [aria-setsize="${waiting}"]`).first().waitFor();
    return { page, owned, queueId: queue.id };
  }

  const isCalled = ({ owner }: TestVenue, partyId: string) =>
    until('the party is called', async () => {
      const given = { token: owner.token, params: { partyId } };
      return (await succeed(getParty, given)).state === 'called';
    });

  it('has only what is seen in the page, and calls a party far down', async () => {
    const { page, owned } = await openStand();
    assert.ok((await rows(page).count()) < renderedMax);
    const list = page.getByRole('list', { name: 'Waiting', exact: true });
    await list.evaluate((element) => {
      element.scrollTop = element.scrollHeight / 2;
    });
    const row = at(page, waiting / 2 + 2);
    const key = await keyOf(row);
    await row.getByRole('button', { name: /^Call / }).click();
    await called(page, key).waitFor();
    await isCalled(owned, key);
    await page
      .locator(`.part.waiting [aria-setsize="${waiting - 1}"]`)
      .first()
      .waitFor();
    assert.equal(await page.locator(`.part.waiting [data-key="${key}"]`).count(), 0);
    assert.ok((await rows(page).count()) < renderedMax);

    await list.evaluate((element) => {
      element.scrollTop = element.scrollHeight;
    });
    await at(page, waiting - 1).waitFor();
    assert.ok((await rows(page).count()) < renderedMax);
    // All of the last row is within the list.
    const [whole, last] = await Promise.all([
      list.boundingBox(),
      at(page, waiting - 1).boundingBox(),
    ]);
    assert.ok(whole !== null && last !== null);
    assert.ok(last.y + last.height <= whole.y + whole.height + 1);
  });

  it('keeps what is seen in its place while parties in front come and go', async () => {
    const { page, owned, queueId } = await openStand();
    const list = page.getByRole('list', { name: 'Waiting', exact: true });
    await list.evaluate((element) => {
      element.scrollTop = element.scrollHeight / 2 + 20;
    });
    const seen = rows(page).nth(6);
    await at(page, waiting / 2 + 4).waitFor();
    const key = await keyOf(seen);
    const row = page.locator(`.part.waiting [data-key="${key}"]`);
    const top = async () => (await row.boundingBox())?.y;
    const before = await top();
    const position = Number(await row.getAttribute('aria-posinset'));
    const { token } = owned.owner;
    const params = { queueId };
    const { id } = await succeed(callNext, { token, params, body: {} });
    await row.and(at(page, position - 1)).waitFor();
    assert.equal(await top(), before);
    await succeed(restoreParty, { token, params: { partyId: id }, body: {} });
    await row.and(at(page, position)).waitFor();
    assert.equal(await top(), before);
  });

  it('reaches and calls the last party by keys alone', async () => {
    const { page, owned } = await openStand();
    await page.keyboard.press('ArrowDown');
    await at(page, 1).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('End');
    const last = at(page, waiting);
    await last.and(page.locator(':focus')).waitFor();
    const key = await keyOf(last);
    await page.keyboard.press('c');
    await called(page, key).waitFor();
    await isCalled(owned, key);
    // The row before it has the focus now.
    await at(page, waiting - 1)
      .and(page.locator(':focus'))
      .waitFor();
    await page.keyboard.press('Home');
    await at(page, 1).and(page.locator(':focus')).waitFor();
    assert.ok((await rows(page).count()) < renderedMax);
  });
});
