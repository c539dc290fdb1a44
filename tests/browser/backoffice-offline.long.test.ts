import { describe, it } from 'node:test';
import { useBrowser } from './support/browser.ts';
import { survivesNightsByButtons } from './support/button-nights.ts';
import { survivesOfflineNights } from './support/offline-nights.ts';

describe('two stands whose network comes and goes, for many nights', () => {
  const browser = useBrowser();

  it('lose no press and double none, over reloads and crashes', { timeout: 7_200_000 }, (test) =>
    survivesOfflineNights(test, browser, 500),
  );

  it('do so by their buttons, too', { timeout: 7_200_000 }, (test) =>
    survivesNightsByButtons(test, browser, 50),
  );
});
