import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  addParty,
  callParty,
  departParty,
  noShowParty,
  type Party,
  seatParty,
} from '@queue-manager/contracts/parties';
import { until } from '@queue-manager/service-kit/testing';
import type { Page } from 'playwright-core';
import { allParties, openVenue, type TestVenue } from '../support/lines.ts';
import { succeed } from '../support/system.ts';
import { tablet } from './support/backoffice.ts';
import { useBrowser } from './support/browser.ts';
import { printedCode, printedPages } from './support/paper.ts';
import {
  chooseOf,
  drag,
  firstIs,
  openLine,
  openStand,
  part,
  partyNow,
  press,
  row,
  type TestLine,
  undo,
} from './support/stand.ts';

type List = 'Waiting' | 'Called' | 'Seated' | 'Gone';
/** How a party is brought to the list where it is pressed. */
const ways = {
  Waiting: [],
  Called: [callParty],
  Seated: [seatParty],
  Gone: [seatParty, departParty],
} satisfies Record<List, unknown[]>;

/** Every press on a party; what is not a button of its row is in its menu. */
const presses: {
  from: List;
  press: string;
  isInMenu?: true;
  said: string;
  to: List;
  state: string;
}[] = [
  { from: 'Waiting', press: 'Call', said: 'called', to: 'Called', state: 'called' },
  { from: 'Waiting', press: 'Seat', isInMenu: true, said: 'seated', to: 'Seated', state: 'seated' },
  {
    from: 'Waiting',
    press: 'Remove from the line',
    isInMenu: true,
    said: 'removed',
    to: 'Gone',
    state: 'removed',
  },
  {
    from: 'Called',
    press: 'Call again',
    isInMenu: true,
    said: 'called again',
    to: 'Called',
    state: 'called',
  },
  { from: 'Called', press: 'Seat', said: 'seated', to: 'Seated', state: 'seated' },
  {
    from: 'Called',
    press: 'No-show',
    isInMenu: true,
    said: 'marked as no-show',
    to: 'Gone',
    state: 'no_show',
  },
  {
    from: 'Called',
    press: 'Back to the line',
    isInMenu: true,
    said: 'back in the line',
    to: 'Waiting',
    state: 'waiting',
  },
  {
    from: 'Seated',
    press: 'Has left',
    said: 'has left the table',
    to: 'Gone',
    state: 'departed',
  },
  {
    from: 'Gone',
    press: 'Back to the line',
    said: 'back in the line',
    to: 'Waiting',
    state: 'waiting',
  },
];

const tab = (page: Page, name: 'Seated' | 'Gone') =>
  page.locator('.switch').getByRole('button', { name: new RegExp(`^${name}`) });

describe('a press at the stand, and its undo', () => {
  const { newPage } = useBrowser();
  let venue: TestVenue;
  before(async () => {
    venue = await openVenue('Casa do Cais');
  });
  const open = async (line: TestLine) => {
    const page = await newPage({ ...tablet, reducedMotion: 'reduce' });
    await openStand(page, venue.owner, line);
    return page;
  };
  /** Shows a list, as one has to of those below the called. */
  const show = async (page: Page, list: List) => {
    if (list !== 'Seated' && list !== 'Gone') return;
    await tab(page, list).filter({ visible: true }).click();
  };

  for (const [index, { from, press: button, isInMenu, said, to, state }] of presses.entries()) {
    it(`${button}, of one who is ${from.toLowerCase()}`, async () => {
      const line = await openLine(venue, `Line ${index + 1}`, [{ name: 'Ana' }, { name: 'Bruno' }]);
      const ana = line.parties[0] as Party;
      for (const way of ways[from]) {
        await succeed(way, { token: venue.owner.token, params: { partyId: ana.id } });
      }
      const before = await partyNow(line, ana);
      const page = await open(line);
      await show(page, from);
      await row(page, from, 'Ana').waitFor();

      if (isInMenu) await chooseOf(page, 'Ana', button);
      else await press(page, from, 'Ana', button);
      await show(page, to);
      await row(page, to, 'Ana').waitFor();
      await until(`the server has it as ${state}`, async () => {
        const now = await partyNow(line, ana);
        return now.state === state && now.seq > before.seq;
      });

      await undo(page, `Ana ${said}`);
      await show(page, from);
      await row(page, from, 'Ana').waitFor();
      await until('the server has it as before', async () => {
        const now = await partyNow(line, ana);
        return now.state === before.state && now.calls === before.calls;
      });
      if (from === 'Waiting') await firstIs(page, 'Ana');
    });
  }

  it('is shown at once, before the next frame', async () => {
    const line = await openLine(venue, 'At once', [{ name: 'Ana' }]);
    const page = await open(line);
    const button = row(page, 'Waiting', 'Ana').getByRole('button', { name: 'Call Ana' });
    const isShown = await button.evaluate(async (element: HTMLElement) => {
      const isThere = () => document.querySelector('.part.waiting [data-key]') !== null;
      const wasThere = isThere();
      element.click();
      // Frames and timers come after what is resolved already.
      for (let resolved = 0; resolved < 20; resolved += 1) await Promise.resolve();
      return wasThere && !isThere();
    });
    assert.ok(isShown);
    await row(page, 'Called', 'Ana').waitFor();
  });

  it('Call next, of those who fit a table and a lane', async () => {
    const line = await openLine(venue, 'Garden', [
      { name: 'Ana', size: 4 },
      { name: 'Bruno' },
      { name: 'Clara', size: 6, lane: 'priority' },
    ]);
    const page = await open(line);
    const callNext = page.getByRole('button', { name: /^Call next/ });
    const want = async (item: string) => {
      await page.getByRole('button', { name: /Who is called next/ }).click();
      await page.getByRole('menuitemradio', { name: item }).click();
    };
    const callsAndUndoes = async (name: string) => {
      await callNext.filter({ hasText: name }).click();
      await row(page, 'Called', name).waitFor();
      await undo(page, `${name} called`);
      await row(page, 'Waiting', name).waitFor();
    };
    await callsAndUndoes('Clara');
    await want('Only regular');
    await callsAndUndoes('Ana');
    await want('Up to 2');
    await callsAndUndoes('Bruno');
    await want('Any size');
    await want('Only priority');
    await callsAndUndoes('Clara');
    await want('Up to 2');
    await callNext.filter({ hasText: 'Nobody who fits is waiting' }).waitFor();
  });

  it('Call next, of a guest who goes by their number until their name is known', async () => {
    const line = await openLine(venue, 'Terrace', []);
    const page = await open(line);
    await page.getByText('Nobody is waiting').waitFor();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    await page.route('**/v1/parties/*', async (route) => {
      await released;
      await route.continue();
    });
    const { token } = venue.owner;
    const options = { token, params: { queueId: line.queue.id }, body: { name: 'Ana' } };
    const { number } = await succeed(addParty, options);
    await row(page, 'Waiting', `No. ${number}`).waitFor();
    await page
      .getByRole('button', { name: /^Call next/ })
      .filter({ hasText: `No. ${number}` })
      .click();
    const said = page.locator('.toast').filter({ hasText: 'called' });
    await said.getByText(`No. ${number} called`).waitFor();
    await page.getByRole('button', { name: `Seat No. ${number}`, exact: true }).waitFor();
    release();
    await said.getByText('Ana called').waitFor();
    await row(page, 'Called', 'Ana').waitFor();
  });

  it('No-show and Back to the line, whose undo offers come one after the other', async () => {
    const line = await openLine(venue, 'Yard', [{ name: 'Ana' }, { name: 'Bruno' }]);
    const ana = line.parties[0] as Party;
    const params = { partyId: ana.id };
    await succeed(callParty, { token: venue.owner.token, params });
    await succeed(noShowParty, { token: venue.owner.token, params });
    const page = await open(line);
    await show(page, 'Gone');
    await press(page, 'Gone', 'Ana', 'Back to the line');
    await row(page, 'Waiting', 'Ana').waitFor();
    await press(page, 'Waiting', 'Ana', 'Call');
    await row(page, 'Called', 'Ana').waitFor();
    await undo(page, 'Ana called');
    await row(page, 'Waiting', 'Ana').waitFor();
    await until('Ana waits', async () => (await partyNow(line, ana)).state === 'waiting');
  });

  it('Move, by the dialog and by dragging', async () => {
    const line = await openLine(venue, 'Cellar', [
      { name: 'Ana' },
      { name: 'Bruno' },
      { name: 'Clara' },
    ]);
    const clara = line.parties[2] as Party;
    const isAt = (position: number) =>
      until(`Clara is at ${position}`, async () => {
        return (await partyNow(line, clara)).position === position;
      });
    const page = await open(line);
    const dialog = page.getByRole('dialog', { name: 'Move Clara' });
    await chooseOf(page, 'Clara', 'Move');
    await dialog.getByRole('button', { name: 'To the front' }).click();
    await dialog.getByRole('button', { name: 'One place back' }).click();
    await dialog.getByRole('button', { name: 'To the end' }).click();
    await dialog.getByRole('button', { name: 'One place forward' }).click();
    await dialog.getByRole('button', { name: 'Move to 2' }).click();
    await dialog.getByText('Please give a reason.').waitFor();
    await dialog.getByRole('button', { name: 'Wheelchair' }).click();
    await page.keyboard.press('Enter');
    await isAt(2);
    await undo(page, 'Clara moved');
    await isAt(3);

    await drag(page, 'Clara', 'Ana');
    await dialog.getByRole('button', { name: 'Move to 1' }).waitFor();
    await page.keyboard.type('Came back');
    await page.keyboard.press('Enter');
    await firstIs(page, 'Clara');
    await isAt(1);
    await undo(page, 'Clara moved');
    await firstIs(page, 'Ana');
    await isAt(3);
  });

  it('Edit', async () => {
    const line = await openLine(venue, 'Attic', [{ name: 'Bruno', size: 4 }]);
    const bruno = line.parties[0] as Party;
    const page = await open(line);
    await chooseOf(page, 'Bruno', 'Edit');
    await page.getByLabel('Notes').fill('At the window');
    await page.getByRole('button', { name: 'Save' }).click();
    await row(page, 'Waiting', 'Bruno').getByText('At the window').waitFor();
    await until('it is saved', async () => (await partyNow(line, bruno)).notes !== null);
    await undo(page, 'Bruno changed');
    await row(page, 'Waiting', 'Bruno').getByText('At the window').waitFor({ state: 'detached' });
    await until('it is as before', async () => (await partyNow(line, bruno)).notes === null);
  });

  it('Add', async () => {
    const line = await openLine(venue, 'Lobby', [{ name: 'Ana' }]);
    const page = await open(line);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Dora');
    await dialog.getByText('Contact, notes and more').click();
    await dialog.getByText('Priority', { exact: true }).click();
    await page.keyboard.press('Enter');
    await dialog.getByRole('img', { name: 'QR code of the ticket' }).waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await firstIs(page, 'Dora');
    await undo(page, 'Dora added');
    await row(page, 'Waiting', 'Dora').waitFor({ state: 'detached' });
    await until('the server has only Ana', async () => {
      const names = (await allParties(venue.owner.token, line.queue.id)).map(({ name }) => name);
      return names.join() === 'Ana';
    });
  });

  it('Ticket, which prints as a code that leads to the guest’s page, dark as the app may be', async () => {
    const line = await openLine(venue, 'Foyer', [{ name: 'Ana' }, { name: 'Bruno' }]);
    const bruno = line.parties[1] as Party;
    const page = await newPage({ ...tablet, hasTouch: false, reducedMotion: 'reduce' });
    await page.addInitScript(() => {
      localStorage.setItem('backoffice.theme', JSON.stringify('dark'));
      window.print = () => document.body.setAttribute('data-asked-to-print', '');
    });
    await openStand(page, venue.owner, line);
    await chooseOf(page, 'Bruno', 'Ticket');
    const dialog = page.getByRole('dialog', { name: 'Ticket' });
    await dialog.getByRole('img', { name: 'QR code of the ticket' }).waitFor();
    assert.equal(await printedCode(page, '.dialog-panel'), bruno.ticketUrl);
    await page.emulateMedia({ media: 'print' });
    const isSeen = (selector: string) => page.locator(selector).first().isVisible();
    assert.ok(await isSeen('.dialog-panel .print-only'));
    for (const other of ['qm-root', '.dialog-head', '.dialog-actions']) {
      assert.equal(await isSeen(other), false, `${other} is not printed`);
    }
    const ink = await page
      .locator('.ticket')
      .evaluate((element) => getComputedStyle(element).color);
    assert.equal(ink, 'rgb(28, 29, 26)');
    await page.emulateMedia({ media: null });
    assert.equal((await printedPages(page)).length, 1);
    await dialog.getByRole('button', { name: 'Print' }).click();
    await page.locator('body[data-asked-to-print]').waitFor();
  });

  it('by keys alone', async () => {
    const small = await openVenue('Casa Pequena');
    const line = await openLine(small, 'Bar', [{ name: 'Ana' }, { name: 'Bruno' }]);
    const other = await openLine(small, 'Balcony', []);
    const page = await newPage({ ...tablet, hasTouch: false, reducedMotion: 'reduce' });
    await openStand(page, small.owner, line);
    const { keyboard } = page;
    /** The focus is on the row of this party. */
    const isOn = (name: string) =>
      page.waitForFunction(
        (wanted) => document.activeElement?.querySelector('.name')?.textContent?.trim() === wanted,
        name,
      );
    await keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await keyboard.press('n');
    await page.getByRole('dialog', { name: 'Add to Bar' }).waitFor();
    await keyboard.type('Dora');
    await keyboard.press('Tab');
    await keyboard.type('3');
    await keyboard.press('Enter');
    await page.getByRole('img', { name: 'QR code of the ticket' }).waitFor();
    await keyboard.press('Escape');
    await row(page, 'Waiting', 'Dora').waitFor();

    // The first row, then the next that takes its place.
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await keyboard.press('ArrowDown');
    await isOn('Ana');
    await keyboard.press('c');
    await row(page, 'Called', 'Ana').waitFor();
    await isOn('Bruno');
    await keyboard.press('u');
    await row(page, 'Waiting', 'Ana').waitFor();
    await keyboard.press('Home');
    await isOn('Ana');
    await keyboard.press('s');
    await row(page, 'Seated', 'Ana').waitFor();
    await isOn('Bruno');
    await keyboard.press('ArrowDown');
    await isOn('Dora');
    await keyboard.press('m');
    await page.getByRole('dialog', { name: 'Move Dora' }).waitFor();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await page.getByLabel('Reason').focus();
    await keyboard.type('Stroller');
    await keyboard.press('Enter');
    await firstIs(page, 'Dora');
    await keyboard.press('Home');
    await isOn('Dora');
    await keyboard.press('e');
    await page.getByRole('dialog').getByLabel('Name').fill('Dora Reis');
    await keyboard.press('Enter');
    await row(page, 'Waiting', 'Dora Reis').waitFor();
    await isOn('Dora Reis');
    await keyboard.press('t');
    await page.getByRole('dialog', { name: 'Ticket' }).waitFor();
    await keyboard.press('Escape');
    await isOn('Dora Reis');
    await keyboard.press('Delete');
    await row(page, 'Waiting', 'Dora').waitFor({ state: 'detached' });
    await isOn('Bruno');

    await keyboard.press('/');
    await keyboard.type('nobody');
    await row(page, 'Waiting', 'Bruno').waitFor({ state: 'detached' });
    await keyboard.press('Escape');
    await row(page, 'Waiting', 'Bruno').waitFor();
    assert.equal(await part(page, 'Waiting').getByRole('listitem').count(), 1);

    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    const tabs = page.locator('.queues .tab');
    const names = (await tabs.allInnerTexts()).map((text) => text.split('\n')[0]);
    await keyboard.press(String(names.indexOf(other.queue.name) + 1));
    await page.getByText('Nobody is waiting', { exact: true }).waitFor();
  });
});
