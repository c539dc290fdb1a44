import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { requireProgram } from '@queue-manager/local-stack/stores/system-packages';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { gatewayUrl } from '../../support/system.ts';

/** Also for root, in a container with little shared memory, and without calls of Chromium to its maker. */
const launchArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Tests on other dates shift the clock of all programs; a phone's may be wrong, and Chromium does not bear it. */
function withRealClock(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name === 'LD_PRELOAD' || name.startsWith('FAKETIME') || value === undefined
        ? []
        : [[name, value]],
    ),
  );
}

/** Longer than any page takes on a busy machine: a test that waits this long has failed. */
const patienceMs = 30_000;

export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
  locale: 'en-GB',
  timezoneId: 'Europe/Lisbon',
};
export const screen: BrowserContextOptions = {
  viewport: { width: 1280, height: 800 },
  locale: 'en-GB',
  timezoneId: 'Europe/Lisbon',
};

type Options = BrowserContextOptions & {
  baseURL?: string;
  /** Errors in the console that the test brings about. */
  expectedErrors?: RegExp;
};

/** What the console shows when the network or the server is away, which pages have to live with. */
export const lostNetwork =
  /ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|ERR_CONNECTION|ERR_FAILED/;
export const serverAway =
  /status of 50[234]|ERR_(INCOMPLETE_CHUNKED_ENCODING|CONNECTION|EMPTY_RESPONSE)/;
export const notFound = /status of 404/;

/**
 * A browser for the tests of a file. Each context is closed after its test, which fails if any of its pages has logged an
 * error.
 */
export function useBrowser() {
  let browser: Browser;
  let opened: { context: BrowserContext; errors: string[]; expected: RegExp | undefined }[] = [];

  before(async () => {
    browser = await chromium.launch({
      executablePath: requireProgram('chromium', process.env),
      args: launchArgs,
      env: withRealClock(process.env),
    });
  });
  after(() => browser.close());
  afterEach(async () => {
    const ended = opened;
    opened = [];
    await Promise.all(ended.map(({ context }) => context.close()));
    for (const { errors, expected } of ended) {
      assert.deepEqual(
        errors.filter((error) => !expected?.test(error)),
        [],
      );
    }
  });

  /** A new browser profile, as of another guest's phone. */
  async function newContext(options: Options = phone): Promise<BrowserContext> {
    const { expectedErrors: expected, ...rest } = options;
    const context = await browser.newContext({ baseURL: gatewayUrl, ...rest });
    context.setDefaultTimeout(patienceMs);
    const errors: string[] = [];
    context.on('console', (message) => {
      if (message.type() === 'error') errors.push(`${message.text()} ${message.location().url}`);
    });
    context.on('weberror', (error) => errors.push(String(error.error().stack)));
    opened.push({ context, errors, expected });
    return context;
  }
  return {
    newContext,
    newPage: async (options?: Options): Promise<Page> => (await newContext(options)).newPage(),
  };
}

/** Waits for a heading of the first level. */
export async function heading(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Waits until the page is controlled by its service worker. */
export async function awaitWorker(page: Page): Promise<void> {
  await page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated');
}
