import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { getTicket } from '@queue-manager/contracts/guests';
import { pageUrl } from '@queue-manager/contracts/pages';
import { addParty, callNext, seatParty } from '@queue-manager/contracts/parties';
import type { Queue } from '@queue-manager/contracts/queues';
import { until } from '@queue-manager/service-kit/testing';
import type { CDPSession, Page } from 'playwright-core';
import { allParties, openQueueOf, openVenue, type TestVenue } from '../support/lines.ts';
import { succeed } from '../support/system.ts';
import {
  awaitWorker,
  heading,
  lostNetwork,
  phone,
  serverAway,
  useBrowser,
} from './support/browser.ts';
import { type FaultyNetwork, isJoin, openFaultyNetwork } from './support/faulty-network.ts';

describe('a phone with a bad network', () => {
  const { newPage, newContext } = useBrowser();
  let venue: TestVenue;
  let token: string;
  let network: FaultyNetwork;
  before(async () => {
    venue = await openVenue();
    token = venue.owner.token;
    network = await openFaultyNetwork();
  });
  after(() => network.close());

  const ofQueue = ({ id }: Queue) => ({ token, params: { queueId: id } });
  const add = (queue: Queue, name: string) =>
    succeed(addParty, { ...ofQueue(queue), body: { name } });
  const ticketPath = ({ ticket }: { ticket: string }) => pageUrl('', 'ticket', ticket);
  const joinPath = ({ joinCode }: Queue) => pageUrl('', 'join', joinCode);
  const throughNetwork = () => ({ ...phone, baseURL: network.url, expectedErrors: serverAway });

  async function join(page: Page, name: string): Promise<void> {
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Join the line' }).click();
  }

  it('is offered to reload when it has lost a file without which the app does not start', async () => {
    const queue = await openQueueOf(venue);
    const page = await newPage({ ...phone, locale: 'pt-PT', expectedErrors: lostNetwork });
    await page.route('**/assets/index-*.js', (route) => route.abort());
    await page.goto(joinPath(queue));
    await heading(page, 'Algo correu mal');
    await page.unroute('**/assets/index-*.js');
    await page.getByRole('button', { name: 'Recarregar' }).click();
    await page.getByRole('button', { name: 'Entrar na fila' }).waitFor();
  });

  it('makes one party when the answer to its join is lost', async () => {
    const queue = await openQueueOf(venue);
    let lost = 0;
    network.handle((request, response, pass) => {
      if (!isJoin(request) || lost === 2) return pass();
      lost += 1;
      pass(() => response.destroy());
    });
    const page = await newPage(throughNetwork());
    await page.goto(joinPath(queue));
    await join(page, 'Ana');
    await heading(page, 'You’re next');
    assert.equal(lost, 2);
    assert.equal((await allParties(token, queue.id)).length, 1);
  });

  it('gives up a call whose answer is lost, and the next call as well', async () => {
    const queue = await openQueueOf(venue);
    const ana = await add(queue, 'Ana');
    for (const name of ['Bea', 'Carla', 'Dora']) await add(queue, name);
    let isLosing = true;
    network.handle(({ method, url }, response, pass) => {
      const isLost = isLosing && method === 'POST' && url?.endsWith('/snooze') === true;
      return isLost ? pass(() => response.destroy()) : pass();
    });
    const page = await newPage(throughNetwork());
    const button = (name: string) => page.getByRole('button', { name });
    const giveUp = async () => {
      await until(
        'she is called',
        async () => (await succeed(callNext, ofQueue(queue))).id === ana.id,
      );
      await heading(page, 'It’s your turn!');
      await button('Let others go first').click();
      await button('Move back').click();
      await heading(page, '1 group is ahead of you');
    };
    await page.goto(ticketPath(ana));
    await giveUp();
    // The page has stopped trying, and knows from the stream that it was heard.
    await button('Let others go first').click();
    await button('Move back').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await page.getByText('That didn’t reach us.').count(), 0);
    isLosing = false;
    await giveUp();
    const { state, snoozesLeft } = await succeed(getTicket, { params: { ticket: ana.ticket } });
    assert.deepEqual([state, snoozesLeft], ['waiting', 1]);
  });

  it('makes one party when the page is reloaded before the answer comes', async () => {
    const queue = await openQueueOf(venue);
    const { promise: isSent, resolve: sent } = Promise.withResolvers<void>();
    let isFirst = true;
    network.handle((request, _response, pass) => {
      if (!isJoin(request) || !isFirst) return pass();
      isFirst = false;
      // The party is in line, and the phone never hears of it.
      pass(() => sent());
    });
    const page = await newPage(throughNetwork());
    await page.goto(joinPath(queue));
    await join(page, 'Ana');
    await isSent;
    await page.reload();
    await heading(page, 'You’re next');
    assert.equal((await allParties(token, queue.id)).length, 1);
  });

  it('shows the last known place and its age without network, and the present one once it is back', async () => {
    const queue = await openQueueOf(venue);
    const first = await add(queue, 'Ana');
    const party = await add(queue, 'Bea');
    const context = await newContext({ ...phone, expectedErrors: lostNetwork });
    const page = await context.newPage();
    await page.goto(ticketPath(party));
    await heading(page, '1 group is ahead of you');
    await awaitWorker(page);

    await context.setOffline(true);
    await page.getByText('This is how it was').waitFor();
    await heading(page, '1 group is ahead of you');
    await page.reload();
    await heading(page, '1 group is ahead of you');
    await page.getByText('This is how it was').waitFor();

    await succeed(callNext, ofQueue(queue));
    await succeed(seatParty, { token, params: { partyId: first.id } });
    await context.setOffline(false);
    await heading(page, 'You’re next');
    await page.getByText('This is how it was').waitFor({ state: 'hidden' });
    await succeed(callNext, ofQueue(queue));
    await heading(page, 'It’s your turn!');
  });

  it('is right again when it comes out of a pocket, though its stream has died without a word', async () => {
    const queue = await openQueueOf(venue);
    const party = await add(queue, 'Ana');
    const dead = new Set<unknown>();
    const streams: unknown[] = [];
    network.handle((request, response, pass) => {
      if (!request.url?.startsWith('/v1/live/')) return pass();
      streams.push(response);
      pass((answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('data', (chunk) => dead.has(response) || response.write(chunk));
      });
    });
    const page = await newPage(throughNetwork());
    await page.goto(ticketPath(party));
    await heading(page, 'You’re next');
    await until('the page follows its place', () => streams.length > 0);
    for (const stream of streams) dead.add(stream);
    await succeed(callNext, ofQueue(queue));
    await succeed(seatParty, { token, params: { partyId: party.id } });
    // What a page has heard a moment ago, it need not ask again.
    const asleepAt = Date.now();
    await until('the page has slept', () => Date.now() > asleepAt + 4_000);
    await heading(page, 'You’re next');
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    const wokenAt = Date.now();
    await heading(page, 'Enjoy your time');
    // Not by the read that notices dead streams now and then.
    assert.ok(Date.now() - wokenAt < 10_000);
  });

  async function slow3G(devtools: CDPSession): Promise<void> {
    await devtools.send('Network.enable');
    await devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 400,
      downloadThroughput: 400_000 / 8,
      uploadThroughput: 400_000 / 8,
    });
  }

  it('joins on slow 3G, and opens at once when it comes again', async () => {
    const queue = await openQueueOf(venue);
    const context = await newContext();
    const page = await context.newPage();
    await slow3G(await context.newCDPSession(page));
    await page.goto(joinPath(queue));
    await join(page, 'Ana');
    await heading(page, 'You’re next');
    await succeed(callNext, ofQueue(queue));
    await heading(page, 'It’s your turn!');
    await awaitWorker(page);
    await page.reload();
    await heading(page, 'It’s your turn!');
    const fromNetwork = await page.evaluate(
      () =>
        performance
          .getEntriesByType('resource')
          .filter(
            (entry) =>
              entry.name.includes('/assets/') &&
              (entry as PerformanceResourceTiming).transferSize > 0,
          ).length,
    );
    assert.equal(fromNetwork, 0);
  });

  it('goes on through an update of the app, and takes it at the next visit', async () => {
    const queue = await openQueueOf(venue);
    const party = await add(queue, 'Ana');
    let version = '';
    network.handle((request, response, pass) => {
      if (request.url !== '/sw.js' || version === '') return pass();
      pass((answer) => {
        void answer.toArray().then((chunks) => {
          const { 'content-encoding': _, 'content-length': __, ...headers } = answer.headers;
          response.writeHead(200, headers);
          response.end(
            Buffer.concat(chunks)
              .toString()
              .replace(/open\("/, `open("${version}`),
          );
        });
      });
      request.headers['accept-encoding'] = 'identity';
    });
    const context = await newContext(throughNetwork());
    const page = await context.newPage();
    await page.goto(ticketPath(party));
    await heading(page, 'You’re next');
    await awaitWorker(page);
    version = 'next-';
    await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      await registration?.update();
    });
    await page.waitForFunction(async () =>
      (await caches.keys()).every((name) => name.startsWith('next-')),
    );
    await succeed(callNext, ofQueue(queue));
    await heading(page, 'It’s your turn!');
  });
});
