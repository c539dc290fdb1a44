/** `npm run bench -- apps`: how fast both apps load, and how soon they show what happens. */
import { requireProgram } from '@queue-manager/local-stack/stores/system-packages';
import { runBench } from '../measure/run-bench.ts';
import { type Backoffice, backofficeRows, measureBackoffice } from './backoffice.ts';
import { type Guests, guestRows, measureGuests } from './guests.ts';
import type { Chromium } from './lighthouse.ts';

const help = `Usage: npm run bench -- apps [options]

Measures, on its own system, the built apps as the gateway serves them.

The pages of guests:
  - Lighthouse's scores of the page to join and of a ticket, on its slow phone and network (medians
    of several runs), and the bytes of their scripts over the wire;
  - with streams of so many other guests open, the time from a host's call to the changed place on a
    real page in Chromium, and how much that page shifts.

The backoffice:
  - Lighthouse's scores of the page to sign in and of the stand, on its desktop, and the bytes of
    their scripts over the wire;
  - at a stand with a long line, ten changes a second, a scrolling host and a press a second: the
    time from a press to what it shows and to its acknowledgement, and the longest task. The
    baseline is the same stand with 20 waiting;
  - how the memory of that stand grows meanwhile.
npm downloads Lighthouse at the first run.

Options:
  --only APP   guests or backoffice; default both
  --runs N     runs of Lighthouse for each page; default 3, 0 to skip it
  --streams N  streams of other guests; default 500
  --calls N    number of calls, 0 to skip them; default 40
  --waiting N  parties that wait at the stand; default 2000
  --seconds N  seconds at each of the two stands, 0 to skip them; default 60
  --memory N   seconds over which the memory is measured, 0 to skip it; default 600
`;

type Options = {
  only: string | undefined;
  runs: number;
  streams: number;
  calls: number;
  waiting: number;
  seconds: number;
  memory: number;
};
type Result = { guests: Guests | null; backoffice: Backoffice | null };

/** Also for root, in a container with little shared memory. */
const flags = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];

await runBench<Options, Result>({
  help,
  defaults: {
    only: undefined,
    runs: '3',
    streams: '500',
    calls: '40',
    waiting: '2000',
    seconds: '60',
    memory: '600',
  },
  read({ number, text }) {
    const only = text('only');
    if (only !== undefined && only !== 'guests' && only !== 'backoffice') {
      throw new TypeError('--only must be guests or backoffice.');
    }
    return {
      only,
      runs: number('runs', 0),
      streams: number('streams', 1),
      calls: number('calls', 0),
      waiting: number('waiting', 20),
      seconds: number('seconds', 0),
      memory: number('memory', 0),
    };
  },
  async measure({ only, ...options }) {
    const browser: Chromium = {
      executablePath: requireProgram('chromium', process.env),
      args: flags,
    };
    return {
      guests: only === 'backoffice' ? null : await measureGuests(browser, options),
      backoffice: only === 'guests' ? null : await measureBackoffice(browser, options),
    };
  },
  rows: ({ guests, backoffice }) => [
    ...(guests === null ? [] : guestRows(guests)),
    ...(backoffice === null ? [] : backofficeRows(backoffice)),
  ],
});
