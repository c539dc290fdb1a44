/* The stand as a host sees and uses it. */

import { addParty, getParty, type Party } from '@queue-manager/contracts/parties';
import type { Queue } from '@queue-manager/contracts/queues';
import type { Page } from 'playwright-core';
import type { TestAccount } from '../../support/accounts.ts';
import { openQueueOf, type TestVenue } from '../../support/lines.ts';
import { succeed } from '../../support/system.ts';
import { openSignedIn } from './backoffice.ts';
import { heading } from './browser.ts';

export type TestLine = { venue: TestVenue; queue: Queue; parties: Party[] };

/** A queue of its own for a test, with these guests. All queues are of one venue, whose stand has a tab for each. */
export async function openLine(
  venue: TestVenue,
  name: string,
  guests: Partial<Party>[],
): Promise<TestLine> {
  const queue = await openQueueOf(venue, { name });
  const parties: Party[] = [];
  for (const guest of guests) {
    const body = { name: 'Guest', size: 2, ...guest } as { name: string };
    const options = { token: venue.owner.token, params: { queueId: queue.id }, body };
    parties.push(await succeed(addParty, options));
  }
  return { venue, queue, parties };
}

/** Signs in at a new page and opens the tab of a queue. */
export async function openStand(
  page: Page,
  account: TestAccount,
  { venue, queue }: TestLine,
): Promise<void> {
  await openSignedIn(page, account, `/venues/${venue.venue.id}/stand`);
  await page.locator('.fills[aria-busy=false]').waitFor();
  const tab = page.locator('.queues .tab').filter({ hasText: queue.name });
  const title = page.getByRole('heading', { level: 1, name: queue.name, exact: true });
  // The only queue has no tab.
  await tab.or(title).waitFor();
  if (await tab.isVisible()) await tab.click();
  await heading(page, new RegExp(queue.name));
}

/** A party as the server has it. */
export const partyNow = ({ venue }: TestLine, { id }: Party): Promise<Party> =>
  succeed(getParty, { token: venue.owner.token, params: { partyId: id } });

export const part = (page: Page, name: string) => page.getByRole('list', { name, exact: true });

export const row = (page: Page, list: string, name: string) =>
  part(page, list).getByRole('listitem').filter({ hasText: name });

export const press = (page: Page, list: string, name: string, button: string) =>
  row(page, list, name)
    .getByRole('button', { name: `${button} ${name}`, exact: true })
    .click();

export async function chooseOf(page: Page, name: string, item: string): Promise<void> {
  await page.getByRole('button', { name: `More for ${name}` }).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

const toast = (page: Page, text: string) => page.locator('.toast').filter({ hasText: text });

export const undo = (page: Page, text: string) =>
  toast(page, text).getByRole('button', { name: 'Undo' }).click();

export const firstIs = (page: Page, name: string) =>
  page.locator('.part.waiting [aria-posinset="1"] .name').filter({ hasText: name }).waitFor();

/** What one opens by dragging a party to the place of another. */
export async function drag(page: Page, name: string, onto: string): Promise<void> {
  await row(page, 'Waiting', name).locator('.handle').hover();
  await page.mouse.down();
  const target = await row(page, 'Waiting', onto).boundingBox();
  if (target === null) throw new Error(`${onto} is not in sight`);
  for (const share of [0.9, 0.5, 0.2]) {
    await page.mouse.move(target.x + 20, target.y + target.height * share, { steps: 5 });
  }
  await page.mouse.up();
}
