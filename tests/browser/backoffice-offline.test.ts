import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addParty, getParty } from '@queue-manager/contracts/parties';
import type { OfflineResult } from '@queue-manager/load/offline/play-offline-night';
import { until } from '@queue-manager/service-kit/testing';
import { openQueueOf, openVenue } from '../support/lines.ts';
import { gatewayUrl, mailUrl, succeed } from '../support/system.ts';
import { openSignedIn, tablet } from './support/backoffice.ts';
import { awaitWorker, lostNetwork, useBrowser } from './support/browser.ts';
import { survivesNightsByButtons } from './support/button-nights.ts';
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
        const parties = await new Promise<unknown[]>((resolve) => {
          const request = database.transaction('parties').objectStore('parties').getAll();
          request.onsuccess = () => resolve(request.result);
        });
        database.close();
        return JSON.stringify(parties).includes('Bo Berg');
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

    // Only the server can end the session: until then, nothing is deleted.
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('dialog', { name: '1 press is not sent yet' }).waitFor();
    await page.getByRole('button', { name: 'Sign out and lose them' }).click();
    await page.getByText('No connection right now.').waitFor();
    await page.reload();
    await called.getByRole('button', { name: 'Ana Lima', exact: true }).waitFor();

    await context.setOffline(false);
    await until('the press arrives', async () => (await stateOf()) === 'called');
  });
});

describe('two stands whose network comes and goes', () => {
  const browser = useBrowser();

  // A minute or two, and much longer on a busy machine.
  const timeout = 900_000;

  it('lose no press and double none, over reloads and crashes', { timeout }, (test) =>
    survivesOfflineNights(test, browser, 45),
  );

  it('do so by their buttons, too', { timeout }, (test) =>
    survivesNightsByButtons(test, browser, 5),
  );
});

describe('npm run replay -- --offline', () => {
  it('loses and doubles nothing in half an hour without network, in a short night', async (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'queue-manager-offline-night-'));
    try {
      const trace = join(folder, 'night.csv');
      writeFileSync(trace, shortNight());
      const child = spawn(
        process.execPath,
        [replayScript, '--offline', trace, '--speed', '600', '--json'],
        {
          env: {
            ...process.env,
            GATEWAY_PORT: new URL(gatewayUrl).port,
            MAIL_PORT: new URL(mailUrl).port,
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
      const [out, said, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      assert.equal(code, 0, said + out);
      const { joined, presses, sent, lost, doubled, unexplained, disagreements } = JSON.parse(
        out,
      ) as OfflineResult;
      assert.deepEqual({ lost, doubled, unexplained, disagreements }, nothingWrong);
      assert.equal(joined.byPhone + joined.atStand, arrivals);
      assert.ok(presses.withoutNetwork >= 10 && sent.presses > 0, out);
      test.diagnostic(out.trim());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const replayScript = fileURLToPath(
  new URL('../../packages/load/src/replay/replay-cli.ts', import.meta.url),
);
const nothingWrong = { lost: 0, doubled: 0, unexplained: 0, disagreements: [] };
const arrivals = 24;

/** An hour and a half: one arrives every four minutes and waits for twelve; every fifth leaves earlier. */
function shortNight(): string {
  const rows = Array.from({ length: arrivals }, (_, index) =>
    index % 5 === 4
      ? `2026-01-02,${72_000 + index * 240},480,abandoned`
      : `2026-01-02,${72_000 + index * 240},720,served`,
  );
  return `${['day,arrival_s,wait_s,outcome', ...rows].join('\n')}\n`;
}
