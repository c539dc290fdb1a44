/**
 * `npm run screenshots`: takes the pictures of the README, of a small night on its own system, into docs/screenshots.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@queue-manager/client/client';
import { pageUrl } from '@queue-manager/contracts/pages';
import { buildApps } from '@queue-manager/local-stack/apps/build-apps';
import {
  makeTemporaryDataDir,
  removeDataDir,
} from '@queue-manager/local-stack/data-folder/temporary-data-dir';
import { repositoryRoot } from '@queue-manager/local-stack/repository';
import { ensurePrograms, requireProgram } from '@queue-manager/local-stack/stores/system-packages';
import { demoQueue, makeDemo, planDemo, readDemo } from '@queue-manager/local-stack/system/demo';
import { standAlone } from '@queue-manager/local-stack/system/stand-alone';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { runUntilStopped, say } from '@queue-manager/local-stack/terminal';
import { type Browser, type BrowserContextOptions, chromium } from 'playwright-core';

const folder = join(repositoryRoot, 'docs/screenshots');

const of = (width: number, height: number): BrowserContextOptions => ({
  viewport: { width, height },
  deviceScaleFactor: width < 500 ? 2 : 1,
  isMobile: width < 500,
  locale: 'en-GB',
  timezoneId: 'Europe/Lisbon',
  reducedMotion: 'reduce',
});
const phone = of(390, 844);
const television = of(1280, 720);
const tablet = of(1024, 768);

const ahead = ['Inês Vaz', 'Hugo Weber', 'Grace Evans', 'Nuno Pires', 'Marta Reis', 'Eva Novak'];
const behind = ['Pedro Dias', 'Yara Costa', 'Karim Okafor'];

type Night = { joinCode: string; queueId: string; ticket: string; callNext(): Promise<void> };

/** A line in which the guest of the pictures waits. */
async function playNight(system: System, dataDir: string): Promise<Night> {
  const { gatewayUrl, mailUrl = '' } = system;
  planDemo(dataDir);
  await makeDemo(dataDir, gatewayUrl, mailUrl);
  const demo = readDemo(dataDir);
  const queue = demo && (await demoQueue(gatewayUrl, demo));
  if (demo === undefined || queue === undefined) throw new Error('there is no demo queue');
  const { succeed } = createClient(gatewayUrl);
  const { email, password } = demo;
  const { accessToken: token } = await succeed('login', { body: { email, password } });
  const ofQueue = { token, params: { queueId: queue.id } };
  const text = 'The kitchen is open until 23:00. Wait at the bar, or take a walk along the river.';
  await succeed('updateQueue', { ...ofQueue, body: { text } });
  const add = (name: string, size = 2) => succeed('addParty', { ...ofQueue, body: { name, size } });
  for (const name of ahead) await add(name);
  const guest = await add('Ana Lima', 3);
  for (const name of behind) await add(name);
  return {
    joinCode: queue.joinCode,
    queueId: queue.id,
    ticket: guest.ticket,
    async callNext() {
      await succeed('callNext', { ...ofQueue, body: {} });
    },
  };
}

async function takeAll(browser: Browser, url: string, night: Night): Promise<void> {
  const shoot = async (name: string, path: string, options: BrowserContextOptions) => {
    const context = await browser.newContext({ baseURL: url, ...options });
    const page = await context.newPage();
    await page.goto(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForFunction("document.fonts.status === 'loaded'");
    // A board hides its settings while nobody touches it.
    if (path.startsWith('/b/')) await page.locator('.idle').waitFor();
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await context.close();
    say(`docs/screenshots/${name}.png`);
  };
  const ticket = pageUrl('', 'ticket', night.ticket);
  await shoot('join', pageUrl('', 'join', night.joinCode), phone);
  await shoot('ticket', ticket, phone);
  await shoot('ticket-dark-ar', ticket, { ...phone, locale: 'ar', colorScheme: 'dark' });
  await shoot('kiosk', pageUrl('', 'kiosk', night.joinCode), tablet);
  for (const _ of [...ahead, 'Ana Lima']) await night.callNext();
  await shoot('called', ticket, phone);
  await shoot('board', pageUrl('', 'board', night.queueId), { ...television, colorScheme: 'dark' });
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
