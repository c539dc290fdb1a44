import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Client, createClient } from '@queue-manager/client/client';
import { pageUrl } from '@queue-manager/contracts/pages';
import { addParty, callNext, type Party, seatParty } from '@queue-manager/contracts/parties';
import { createQueue, type Queue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { removeDataDir } from '@queue-manager/local-stack/data-folder/temporary-data-dir';
import { standAloneEnv } from '@queue-manager/local-stack/system/stand-alone';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { openAccount } from '../support/accounts.ts';
import { heading, phone, screen, serverAway, useBrowser } from './support/browser.ts';

/* Uses its own system, since its processes are killed. */
describe('pages of a system whose processes are killed', () => {
  const { newPage } = useBrowser();
  let system: System;
  let succeed: Client['succeed'];
  let token: string;
  let venueId: string;
  let end: () => Promise<void>;

  before(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'queue-manager-outage-'));
    const { env, release } = await standAloneEnv(process.env);
    system = await startSystem({ dataDir, env });
    end = async () => {
      await system.stop();
      await release();
      removeDataDir(dataDir);
    };
    ({ succeed } = createClient(system.gatewayUrl));
    ({ token } = await openAccount({}, { succeed, mailUrl: system.mailUrl ?? '' }));
    const body = { name: 'Casa', timezone: 'Europe/Lisbon' };
    venueId = (await succeed(createVenue, { token, body })).id;
  });
  after(() => end());

  const openQueue = () =>
    succeed(createQueue, { token, params: { venueId }, body: { name: 'Tables' } });
  const ofQueue = ({ id }: Queue) => ({ token, params: { queueId: id } });
  const add = (queue: Queue, name: string) =>
    succeed(addParty, { ...ofQueue(queue), body: { name } });
  const ofParty = ({ id }: Party) => ({ token, params: { partyId: id } });
  const here = (device: typeof phone) => ({
    ...device,
    baseURL: system.gatewayUrl,
    expectedErrors: serverAway,
  });

  it('a ticket follows its place again after the position process was killed', async () => {
    const queue = await openQueue();
    const ana = await add(queue, 'Ana');
    const bea = await add(queue, 'Bea');
    const page = await newPage(here(phone));
    await page.goto(pageUrl('', 'ticket', bea.ticket));
    await heading(page, '1 group is ahead of you');
    system.kill('position', 'SIGKILL');
    await succeed(callNext, ofQueue(queue));
    await succeed(seatParty, ofParty(ana));
    await heading(page, 'You’re next');
    await succeed(callNext, ofQueue(queue));
    await heading(page, 'It’s your turn!');
  });

  it('a guest joins while the position process is away, and then sees its place', async () => {
    const queue = await openQueue();
    const page = await newPage(here(phone));
    await page.goto(pageUrl('', 'join', queue.joinCode));
    await page.getByLabel('Your name').fill('Ana');
    system.kill('position', 'SIGKILL');
    await page.getByRole('button', { name: 'Join the line' }).click();
    await heading(page, 'You’re next');
  });

  it('a ticket and a board are right again after the gateway was restarted', async () => {
    const queue = await openQueue();
    const ana = await add(queue, 'Ana');
    const ticket = await newPage(here(phone));
    const board = await newPage(here(screen));
    await ticket.goto(pageUrl('', 'ticket', ana.ticket));
    await board.goto(pageUrl('', 'board', queue.id));
    await heading(ticket, 'You’re next');
    await heading(board, 'Tables');
    await system.restart('gateway');
    const { number } = await succeed(callNext, ofQueue(queue));
    await heading(ticket, 'It’s your turn!');
    await board.getByText(String(number), { exact: true }).first().waitFor();
    assert.equal(await board.evaluate(() => performance.getEntriesByType('navigation').length), 1);
  });
});
