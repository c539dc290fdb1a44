import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addParty, getParty } from '@queue-manager/contracts/parties';
import { until } from '@queue-manager/service-kit/testing';
import { openQueueOf, openVenue } from '../support/lines.ts';
import { succeed } from '../support/system.ts';
import { openSignedIn, tablet } from './support/backoffice.ts';
import { awaitWorker, lostNetwork, useBrowser } from './support/browser.ts';
import { survivesOfflineNights } from './support/offline-nights.ts';

describe('the stand without network', () => {
  const { newContext } = useBrowser();

  it('opens with the last known line, and sends what was pressed once the network is back', async () => {
    const { owner, venue } = await openVenue('Casa do Cais');
    const { token } = owner;
    const { id: queueId } = await openQueueOf({ owner, venue });
    const add = (name: string) => succeed(addParty, { token, params: { queueId }, body: { name } });
    const ana = await add('Ana Lima');
    await add('Bo Berg');
    const context = await newContext({ ...tablet, expectedErrors: lostNetwork });
    const page = await context.newPage();
    await openSignedIn(page, owner, `/venues/${venue.id}/stand`);
    const named = (name: string) => page.getByRole('button', { name, exact: true });
    await named('Ana Lima').waitFor();
    await awaitWorker(page);
    await until('the device keeps the line', () =>
      page.evaluate(async () => {
        const database = await new Promise<IDBDatabase>((resolve) => {
          const request = indexedDB.open('queue-manager-line');
          request.onsuccess = () => resolve(request.result);
        });
        const lines = await new Promise<unknown[]>((resolve) => {
          const request = database.transaction('lines').objectStore('lines').getAll();
          request.onsuccess = () => resolve(request.result);
        });
        database.close();
        return JSON.stringify(lines).includes('Bo Berg');
      }),
    );

    await context.setOffline(true);
    await page.reload();
    await named('Ana Lima').waitFor();
    await page.getByRole('button', { name: /^Call next/ }).click();
    const called = page.getByRole('region', { name: 'Called' });
    await called.getByRole('button', { name: 'Ana Lima', exact: true }).waitFor();
    await page.reload();
    await called.getByRole('button', { name: 'Ana Lima', exact: true }).waitFor();
    const stateOf = async () =>
      (await succeed(getParty, { token, params: { partyId: ana.id } })).state;
    assert.equal(await stateOf(), 'waiting');

    await context.setOffline(false);
    await until('the press arrives', async () => (await stateOf()) === 'called');
  });
});

describe('two stands whose network comes and goes', () => {
  const browser = useBrowser();

  it('lose no press and double none, over reloads and crashes', (test) =>
    survivesOfflineNights(test, browser, 50));
});
