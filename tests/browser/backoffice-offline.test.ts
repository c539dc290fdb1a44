import { describe, it } from 'node:test';
import { useBrowser } from './support/browser.ts';
import { survivesOfflineNights } from './support/offline-nights.ts';

describe('two stands whose network comes and goes', () => {
  const browser = useBrowser();

  it('lose no press and double none, over reloads and crashes', (test) =>
    survivesOfflineNights(test, browser, 50));
});
