/**
 * `npm run screenshots`: takes the pictures of the README, of a small night on its own system, into docs/screenshots.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { backofficePath, pageUrl } from '@queue-manager/contracts/pages';
import { buildApps } from '@queue-manager/local-stack/apps/build-apps';
import {
  makeTemporaryDataDir,
  removeDataDir,
} from '@queue-manager/local-stack/data-folder/temporary-data-dir';
import { repositoryRoot } from '@queue-manager/local-stack/repository';
import { ensurePrograms, requireProgram } from '@queue-manager/local-stack/stores/system-packages';
import { standAlone } from '@queue-manager/local-stack/system/stand-alone';
import { startSystem } from '@queue-manager/local-stack/system/system';
import { runUntilStopped, say } from '@queue-manager/local-stack/terminal';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { eveningQueue, type Night, playNight, timezone } from './night.ts';

const folder = join(repositoryRoot, 'docs/screenshots');

const of = (width: number, height: number): BrowserContextOptions => ({
  viewport: { width, height },
  deviceScaleFactor: width < 500 ? 2 : 1,
  isMobile: width < 500,
  locale: 'en-GB',
  timezoneId: timezone,
  reducedMotion: 'reduce',
});
const phone = of(390, 844);
const television = of(1280, 720);
const kiosk = of(1024, 768);
const tablet = { ...of(1180, 820), hasTouch: true };
const desktop = of(1440, 900);

async function takeAll(browser: Browser, url: string, night: Night): Promise<void> {
  const save = async (page: Page, name: string) => {
    await page.waitForFunction("document.fonts.status === 'loaded'");
    await page.screenshot({ path: join(folder, `${name}.png`) });
    say(`docs/screenshots/${name}.png`);
  };
  const shoot = async (name: string, path: string, options: BrowserContextOptions) => {
    const context = await browser.newContext({ baseURL: url, ...options });
    const page = await context.newPage();
    await page.goto(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    // A board hides its settings while nobody touches it.
    if (path.startsWith('/b/')) await page.locator('.idle').waitFor();
    await save(page, name);
    await context.close();
  };
  const ticket = pageUrl('', 'ticket', night.ticket);
  await shoot('join', pageUrl('', 'join', night.joinCode), phone);
  await shoot('ticket', ticket, phone);
  await shoot('ticket-dark-ar', ticket, { ...phone, locale: 'ar', colorScheme: 'dark' });
  await shoot('kiosk', pageUrl('', 'kiosk', night.joinCode), kiosk);
  await night.callUpToTheGuest();
  await shoot('called', ticket, phone);
  await shoot('board', pageUrl('', 'board', night.queueId), { ...television, colorScheme: 'dark' });

  await night.fill();
  /** A screen of the venue's backoffice, once what it is about is shown. */
  const open = async (screen: string, shown: string, options: BrowserContextOptions) => {
    const context = await browser.newContext({ baseURL: url, ...options });
    const page = await context.newPage();
    await page.goto(`${backofficePath}/venues/${night.venueId}/${screen}`);
    await page.locator('input[type=email]').fill(night.owner.email);
    await page.locator('input[name=password]').fill(night.owner.password);
    await page.locator('button[type=submit]').click();
    await page.locator(shown).first().waitFor();
    return page;
  };
  const stand = await open('stand', '.fills[aria-busy=false] .tab', tablet);
  await stand.locator('.tab').filter({ hasText: eveningQueue }).click();
  await stand.locator('.part.called [data-key]').first().waitFor();
  await save(stand, 'stand');
  await stand.context().setOffline(true);
  await stand.getByText('No connection.').waitFor();
  await stand.getByRole('button', { name: /^Call next/ }).click();
  await stand.getByText('1 press waits').waitFor();
  await save(stand, 'offline');
  await save(await open('door', '.changes li', { ...phone, colorScheme: 'dark' }), 'door-dark');
  await save(await open('tonight', '.head .chip.ok', desktop), 'tonight');
  await save(await open('reports', 'svg[role=img]', desktop), 'reports');
  const poster = await open('poster', '.sheet-code', desktop);
  await poster.emulateMedia({ media: 'print' });
  await poster.setViewportSize({ width: 794, height: 1123 });
  await save(poster, 'poster');
}

await runUntilStopped(async (_stopping, signal) => {
  await ensurePrograms(process.env, repositoryRoot, say, ['chromium']);
  await buildApps(say, signal);
  mkdirSync(folder, { recursive: true });
  const dataDir = makeTemporaryDataDir('queue-manager-screenshots-');
  try {
    const system = await startSystem({ dataDir, env: standAlone(process.env), log: say, signal });
    const browser = await chromium.launch({
      executablePath: requireProgram('chromium', process.env),
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    try {
      await takeAll(browser, system.gatewayUrl, await playNight(system, dataDir));
    } finally {
      await browser.close();
      await system.stop();
    }
  } finally {
    removeDataDir(dataDir);
  }
  return 0;
});
