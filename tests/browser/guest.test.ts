import assert from 'node:assert/strict';
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
import {
  closeQueue,
  deleteQueue,
  openQueue,
  pauseQueue,
  type Queue,
  updateQueue,
} from '@queue-manager/contracts/queues';
import { until } from '@queue-manager/service-kit/testing';
import type { Page } from 'playwright-core';
import { texts } from '../../apps/customer/src/screens/ticket/strings.ts';
import { allParties, openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { succeed } from '../support/system.ts';
import { heading, notFound, phone, useBrowser } from './support/browser.ts';

describe("a guest's phone", () => {
  const { newPage, newContext } = useBrowser();
  let venue: TestVenue;
  let token: string;
  before(async () => {
    venue = await openVenue('Casa do Cais');
    token = venue.owner.token;
  });

  const ofQueue = ({ id }: Queue) => ({ token, params: { queueId: id } });
  const ofParty = ({ id }: Party) => ({ token, params: { partyId: id } });
  const add = (queue: Queue, name: string, size = 2) =>
    succeed(addParty, { ...ofQueue(queue), body: { name, size } });
  const ticketPath = ({ ticket }: { ticket: string }) => pageUrl('', 'ticket', ticket);
  const joinPath = ({ joinCode }: Queue) => pageUrl('', 'join', joinCode);

  async function fillIn(page: Page, name: string): Promise<void> {
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Join the line' }).click();
  }

  it('joins, sees its place move, is called, confirms and is seated', async () => {
    const queue = await openQueueOf(venue, { text: 'The kitchen closes at eleven.' });
    const first = await add(queue, 'Ana');
    await add(queue, 'Bea');
    const page = await newPage();

    await page.goto(joinPath(queue));
    await heading(page, 'Tables');
    await page.getByText('The kitchen closes at eleven.').waitFor();
    await page.getByText('2 groups are waiting').waitFor();
    await page.getByRole('button', { name: 'One more' }).click();
    await fillIn(page, 'Carla Dias');
    await heading(page, '2 groups are ahead of you');
    await page.getByText('Carla Dias · 3 people').waitFor();
    const joined = await until('the host sees her', async () =>
      (await allParties(token, queue.id)).find(({ name }) => name === 'Carla Dias'),
    );
    assert.equal(joined.size, 3);

    await succeed(callNext, ofQueue(queue));
    await heading(page, '1 group is ahead of you');
    await succeed(seatParty, ofParty(first));
    await succeed(callNext, ofQueue(queue));
    await heading(page, 'You’re next');

    await succeed(callNext, ofQueue(queue));
    await heading(page, 'It’s your turn!');
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
    await page.getByRole('button', { name: 'I’m coming' }).click();
    await page.getByText('The staff know that you’re coming.').waitFor();
    await until('the host sees it', async () =>
      (await allParties(token, queue.id, 'called')).some(
        ({ id, confirmedAt }) => id === joined.id && confirmedAt !== null,
      ),
    );

    await succeed(seatParty, ofParty(joined));
    await heading(page, 'Enjoy your time');
    await succeed(departParty, ofParty(joined));
    await heading(page, 'Thank you for your visit');
  });

  it('sees every way in which its wait can end, and comes back when it is restored', async () => {
    const queue = await openQueueOf(venue);
    await updateEndMessage(queue);
    // The page of a deleted queue's board is asked for.
    const page = await newPage({ ...phone, expectedErrors: notFound });
    const ana = await add(queue, 'Ana');
    await page.goto(ticketPath(ana));
    await heading(page, 'You’re next');

    await succeed(callNext, ofQueue(queue));
    await heading(page, 'It’s your turn!');
    await succeed(noShowParty, ofParty(ana));
    await heading(page, 'We missed you');
    await page.getByText('See you tomorrow.').waitFor();
    await succeed(restoreParty, ofParty(ana));
    await page.getByText('You’re back in line.').waitFor();
    await heading(page, 'You’re next');

    await succeed(removeParty, ofParty(ana));
    await heading(page, 'You’re no longer in line');
    await page.getByRole('link', { name: 'Join the line again' }).waitFor();
    await succeed(restoreParty, ofParty(ana));
    await heading(page, 'You’re next');

    await succeed(deleteQueue, ofQueue(queue));
    await heading(page, 'This line no longer exists');
  });

  async function updateEndMessage(queue: Queue): Promise<void> {
    await succeed(updateQueue, { ...ofQueue(queue), body: { endMessage: 'See you tomorrow.' } });
  }

  it('lets others go first and leaves, asked once', async () => {
    const queue = await openQueueOf(venue);
    const ana = await add(queue, 'Ana');
    await add(queue, 'Bea');
    await add(queue, 'Carla');
    const page = await newPage();
    await page.goto(ticketPath(ana));
    await page.getByRole('button', { name: 'Let others go first' }).click();
    await page.getByRole('button', { name: 'Move back' }).click();
    await heading(page, /ahead of you/);

    await page.getByRole('button', { name: 'Leave the line' }).click();
    await page.getByRole('button', { name: 'Stay in line' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Leave the line' }).click();
    await page.getByRole('button', { name: 'Leave now' }).click();
    await heading(page, 'You’ve left the line');
    assert.deepEqual(
      (await allParties(token, queue.id)).map(({ name }) => name),
      ['Bea', 'Carla'],
    );
  });

  it('lets others go first when it is called', async () => {
    const queue = await openQueueOf(venue);
    const ana = await add(queue, 'Ana');
    await add(queue, 'Bea');
    await add(queue, 'Carla');
    const page = await newPage();
    await page.goto(ticketPath(ana));
    await succeed(callNext, ofQueue(queue));
    await heading(page, 'It’s your turn!');
    await page.getByRole('button', { name: 'Let others go first' }).click();
    await page.getByText('You’ll give up this call and wait behind the next group.').waitFor();
    await page.getByRole('button', { name: 'One more' }).click();
    await page.getByText('behind the next 2 groups').waitFor();
    await page.getByRole('button', { name: 'Move back' }).click();
    await heading(page, '2 groups are ahead of you');
    await page.getByText('You’re back in line.').waitFor();
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
    assert.deepEqual(
      (await allParties(token, queue.id, 'waiting')).map(({ name }) => name),
      ['Bea', 'Carla', 'Ana'],
    );

    await succeed(callNext, ofQueue(queue));
    await succeed(callNext, ofQueue(queue));
    await succeed(callNext, ofQueue(queue));
    await heading(page, 'It’s your turn!');
    // Nobody else waits who could go first.
    await page.getByText('Talk to the staff').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Let others go first' }).count(), 0);
  });

  it('joins with the keyboard alone', async () => {
    const queue = await openQueueOf(venue);
    const page = await newPage();
    await page.goto(joinPath(queue));
    await heading(page, 'Tables');
    const focus = async (role: 'textbox' | 'button', name: string) => {
      const wanted = page.getByRole(role, { name });
      for (let tab = 0; tab < 20; tab += 1) {
        await page.keyboard.press('Tab');
        if (await wanted.evaluate((element) => element === document.activeElement)) return;
      }
      assert.fail(`the Tab key never comes to ${name}`);
    };
    await focus('textbox', 'Your name');
    await page.keyboard.type('Kim');
    await focus('button', 'One more');
    await page.keyboard.press('Space');
    await focus('button', 'Join the line');
    await page.keyboard.press('Enter');
    await heading(page, 'You’re next');
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
  });

  it('waits at the form of a line that is full, paused or closed, which then opens by itself', async () => {
    const queue = await openQueueOf(venue, { maxWaiting: 1 });
    const ana = await add(queue, 'Ana');
    const page = await newPage();
    const form = page.getByRole('button', { name: 'Join the line' });
    await page.goto(joinPath(queue));
    await heading(page, 'The line is full');
    await succeed(removeParty, ofParty(ana));
    await form.waitFor();
    await succeed(pauseQueue, ofQueue(queue));
    await heading(page, 'The line is taking a short break');
    await succeed(openQueue, ofQueue(queue));
    await form.waitFor();
    await succeed(closeQueue, ofQueue(queue));
    await heading(page, 'The line is closed');
    await succeed(openQueue, ofQueue(queue));
    await form.waitFor();
    await page.getByText('You can join now.').waitFor();
  });

  it('keeps what the guest has written while the line is closed and opened', async () => {
    const queue = await openQueueOf(venue);
    const page = await newPage();
    await page.goto(joinPath(queue));
    await page.getByLabel('Your name').fill('Dora');
    await succeed(closeQueue, ofQueue(queue));
    await heading(page, 'The line is closed');
    await succeed(openQueue, ofQueue(queue));
    await page.getByRole('button', { name: 'Join the line' }).click();
    await heading(page, 'You’re next');
    assert.equal((await allParties(token, queue.id))[0]?.name, 'Dora');
  });

  it('is told where staff add guests, and of codes and tickets that do not exist', async () => {
    const page = await newPage({ ...phone, expectedErrors: notFound });
    await page.goto(joinPath(await openQueueOf(venue, { selfJoin: false })));
    await heading(page, 'Please join at the entrance');
    await page.goto(pageUrl('', 'join', 'NOSUCHCODE'));
    await heading(page, 'We don’t know this code');
    await page.goto(pageUrl('', 'ticket', 'no-such-ticket'));
    await heading(page, 'We don’t know this ticket');
  });

  it('finds the way from the home page by a code, and sees its ticket there later', async () => {
    const queue = await openQueueOf(venue);
    const page = await newPage();
    await page.goto('/');
    await page.getByLabel('Join code').fill(queue.joinCode.toLowerCase());
    await page.getByRole('button', { name: 'Open' }).click();
    await heading(page, 'Tables');
    await fillIn(page, 'Eva');
    await heading(page, 'You’re next');
    await page.goto('/');
    await page.getByText('You already have a ticket').waitFor();
    await page.goto(joinPath(queue));
    await page.getByText('You’re already in this line').waitFor();
  });

  it('shows the same in two tabs', async () => {
    const queue = await openQueueOf(venue);
    const { ticket } = await succeed(joinQueue, {
      params: { joinCode: queue.joinCode },
      body: { name: 'Ana' },
    });
    const context = await newContext();
    const tabs = [await context.newPage(), await context.newPage()];
    for (const tab of tabs) {
      await tab.goto(ticketPath({ ticket }));
      await heading(tab, 'You’re next');
    }
    await succeed(callNext, ofQueue(queue));
    for (const tab of tabs) await heading(tab, 'It’s your turn!');
    await tabs[0]?.getByRole('button', { name: 'I’m coming' }).click();
    for (const tab of tabs) await tab.getByText('The staff know that you’re coming.').waitFor();
    await succeed(leaveQueue, { params: { ticket } });
    for (const tab of tabs) await heading(tab, 'You’ve left the line');
  });

  it('makes one party of a double tap', async () => {
    const queue = await openQueueOf(venue);
    const page = await newPage();
    await page.goto(joinPath(queue));
    await page.getByLabel('Your name').fill('Ana');
    await page.getByRole('button', { name: 'Join the line' }).dblclick();
    await heading(page, 'You’re next');
    assert.equal((await allParties(token, queue.id)).length, 1);
  });

  it('counts down rightly on a phone whose clock is an hour wrong', async () => {
    const queue = await openQueueOf(venue);
    for (const hours of [-1, 1]) {
      const party = await add(queue, 'Ana');
      await succeed(callNext, ofQueue(queue));
      const context = await newContext();
      await context.addInitScript((ms) => {
        const Real = Date;
        class Wrong extends Real {
          constructor(...values: [] | [number]) {
            if (values.length === 0) super(Real.now() + ms);
            else super(...values);
          }
          static override now(): number {
            return Real.now() + ms;
          }
        }
        globalThis.Date = Wrong as DateConstructor;
      }, hours * 3_600_000);
      const page = await context.newPage();
      await page.goto(ticketPath(party));
      await page
        .getByRole('timer')
        .filter({ hasText: /^[34]:\d\d$/ })
        .waitFor();
      await succeed(seatParty, ofParty(party));
      await heading(page, 'Enjoy your time');
    }
  });

  it("speaks the browser's language, else the venue's, or the one that the guest picks", async () => {
    const queue = await openQueueOf(venue);
    const party = await add(queue, 'Ana');
    for (const [locale, expected] of [
      ['pt-PT', texts.pt.next],
      ['ja', texts.en.next],
    ] as const) {
      const page = await newPage({ ...phone, locale });
      await page.goto(ticketPath(party));
      await page.getByRole('heading', { level: 1, name: expected }).waitFor();
      await page.getByRole('combobox').selectOption('ar');
      await page.waitForFunction(() => document.documentElement.dir === 'rtl');
      await page.reload();
      await page.waitForFunction(() => document.documentElement.lang === 'ar');
    }
  });
});
