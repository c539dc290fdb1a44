import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { everyItem } from '@queue-manager/client/client';
import { joinQueue, leaveQueue } from '@queue-manager/contracts/guests';
import { type HistoryEvent, listQueueEvents } from '@queue-manager/contracts/history';
import {
  changeOccupancy,
  getOccupancy,
  listOccupancyChanges,
  type OccupancyChange,
} from '@queue-manager/contracts/occupancy';
import { createQueue, deleteQueue, type Queue } from '@queue-manager/contracts/queues';
import { login } from '@queue-manager/contracts/tokens';
import { createVenue, type Venue } from '@queue-manager/contracts/venues';
import { repositoryRoot } from '@queue-manager/local-stack/repository';
import fc from 'fast-check';
import type { BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { openAccount, type TestAccount } from '../../support/accounts.ts';
import { allParties } from '../../support/lines.ts';
import { enlist } from '../../support/members.ts';
import { call, succeed } from '../../support/system.ts';
import { tablet } from './backoffice.ts';
import { lostNetwork, type useBrowser } from './browser.ts';
import type { Drawn, stand as Stand } from './line-page.ts';

/*
 * Random nights at two stands of a venue, in a browser and on the whole system: presses, guests who join and leave, and
 * networks that are cut, pages that are reloaded and renderers that are killed meanwhile. In the end every press that
 * was acknowledged or kept has happened exactly once, was taken back, or is shown as refused.
 */

type Step =
  | ({ step: 'press'; at: number } & Drawn)
  | { step: 'undo' | 'cut' | 'restore' | 'reload' | 'kill'; at: number }
  | { step: 'decide'; at: number; decision: 'drop' | 'repeat' }
  | { step: 'join' | 'leave'; pick: number };

const at = fc.integer({ min: 0, max: 1 });
const pick = fc.nat(30);
const size = fc.integer({ min: 1, max: 4 });
const kind = fc.constantFrom(
  ...['add', 'add', 'callNext', 'callNext', 'call', 'seat', 'seat', 'depart', 'noShow'],
  ...['remove', 'restore', 'move', 'edit', 'count'],
);
const only = <const T extends string>(...steps: T[]) => fc.constantFrom(...steps);
const nights = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ step: only('press'), at, kind, pick, size }) },
    { weight: 2, arbitrary: fc.record({ step: only('undo'), at }) },
    { weight: 4, arbitrary: fc.record({ step: only('cut', 'restore'), at }) },
    { weight: 1, arbitrary: fc.record({ step: only('reload', 'kill'), at }) },
    {
      weight: 1,
      arbitrary: fc.record({ step: only('decide'), at, decision: only('drop', 'repeat') }),
    },
    { weight: 4, arbitrary: fc.record({ step: only('join', 'join', 'leave'), pick }) },
  ) as fc.Arbitrary<Step>,
  { minLength: 12, maxLength: 36, size: 'max' },
);

const eventOf: Record<string, string> = {
  add: 'party.joined',
  call: 'party.called',
  seat: 'party.seated',
  depart: 'party.departed',
  noShow: 'party.no-show',
  remove: 'party.removed',
  restore: 'party.restored',
  move: 'party.moved',
  edit: 'party.changed',
  undo: 'party.undone',
};

const capacity = 8;
const pageUrl = '/backoffice/line-test';
/** Network errors and refusals are what this is about. */
const expectedErrors = new RegExp(`${lostNetwork.source}|status of (4\\d\\d|503)`);

type Browser = ReturnType<typeof useBrowser>;
declare const stand: typeof Stand;

/** One device. */
class StandDevice {
  readonly account: TestAccount;
  readonly #context: BrowserContext;
  readonly #venueId: string;
  page!: Page;
  signedInAt = Date.now();
  /** Presses that the device had kept, by id. */
  readonly kept = new Set<string>();
  /** Those that were taken back, with the press that did it; refused ones that were dropped, or done anyway. */
  readonly undone = new Map<string, string>();
  readonly dropped = new Set<string>();
  readonly repeated = new Set<string>();

  private constructor(account: TestAccount, context: BrowserContext, venueId: string) {
    this.account = account;
    this.#context = context;
    this.#venueId = venueId;
  }

  static async start(browser: Browser, script: string, account: TestAccount, venueId: string) {
    const context = await browser.newContext({ ...tablet, expectedErrors });
    await context.route(`**${pageUrl}`, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!doctype html><script src="${pageUrl}.js"></script>`,
      }),
    );
    await context.route(`**${pageUrl}.js`, (route) =>
      route.fulfill({ contentType: 'text/javascript', body: script }),
    );
    const device = new StandDevice(account, context, venueId);
    device.page = await context.newPage();
    await device.open();
    return device;
  }

  /** Loads the page, as when the app is opened. */
  async open(): Promise<void> {
    const { id: userId, token } = this.account;
    await this.page.goto(pageUrl);
    await this.page.evaluate((opened) => stand.open(opened), {
      userId,
      venueId: this.#venueId,
      token,
    });
  }

  /** Waits for a new queue with as many waiting, in the page that is open. */
  async awaitLine(queueId: string, waiting: number): Promise<void> {
    await this.page.waitForFunction(([id, count]) => stand.isIdle(id, count), [
      queueId,
      waiting,
    ] as const);
  }

  /** Opens the page anew, on the network, and waits until it shows the line and has sent everything. */
  async comeBack(): Promise<void> {
    await this.setOffline(false);
    await this.open();
    await this.page.waitForFunction(() => stand.isIdle());
  }

  async kill(): Promise<void> {
    const session = await this.#context.newCDPSession(this.page);
    const crashed = this.page.waitForEvent('crash');
    session.send('Page.crash').catch(() => {});
    await crashed;
    await this.page.close();
    this.page = await this.#context.newPage();
    await this.open();
  }

  async setOffline(isOffline: boolean): Promise<void> {
    await this.#context.setOffline(isOffline);
  }

  async take(step: Extract<Step, { at: number }>, queueId: string): Promise<void> {
    switch (step.step) {
      case 'press': {
        const { kind: ofPress, pick: index, size: people } = step;
        const drawn = { kind: ofPress, pick: index, size: people };
        const id = await this.page.evaluate(([given, of]) => stand.press(given, of), [
          drawn,
          queueId,
        ] as const);
        if (id !== null) this.kept.add(id);
        return;
      }
      case 'undo': {
        const undone = await this.page.evaluate(() => stand.undo());
        if (undone !== null) this.undone.set(...undone);
        return;
      }
      case 'decide': {
        const ids = await this.page.evaluate((given) => stand.decide(given), step.decision);
        for (const id of ids) (step.decision === 'drop' ? this.dropped : this.repeated).add(id);
        return;
      }
      case 'cut':
        return this.setOffline(true);
      case 'restore':
        return this.setOffline(false);
      case 'reload':
        return this.open();
      case 'kill':
        return this.kill();
    }
  }
}

/** Runs random nights. `OFFLINE_NIGHTS` overrides their number, `OFFLINE_SEED` repeats a run. */
export async function survivesOfflineNights(
  test: TestContext,
  browser: Browser,
  byDefault: number,
): Promise<void> {
  const { OFFLINE_NIGHTS, OFFLINE_SEED } = process.env;
  const numRuns = Number(OFFLINE_NIGHTS ?? byDefault);
  const seed = Number(OFFLINE_SEED ?? Math.floor(Math.random() * 0x7fff_0000));
  const script = await bundle();
  const [owner, host] = await Promise.all([
    openAccount({ name: 'Rui Costa' }),
    openAccount({ name: 'Eva Melo' }),
  ]);
  const venue = await succeed(createVenue, {
    token: owner.token,
    body: { name: 'Random Night', timezone: 'Europe/Lisbon', capacity },
  });
  await enlist(owner, venue, host, 'host');
  const devices = [
    await StandDevice.start(browser, script, owner, venue.id),
    await StandDevice.start(browser, script, host, venue.id),
  ];
  let nightsLived = 0;
  let presses = 0;
  let refused = 0;
  const startedAt = Date.now();
  await fc.assert(
    fc.asyncProperty(nights, async (steps) => {
      const lived = await live(devices, venue, steps);
      nightsLived += 1;
      presses += lived.presses;
      refused += lived.refused;
    }),
    { numRuns, seed, endOnFailure: true },
  );
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  test.diagnostic(
    `${nightsLived} nights with ${presses} presses, ${refused} of them shown as refused, in ${seconds} s; OFFLINE_SEED=${seed} repeats them`,
  );
}

/** The script of the page. */
async function bundle(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    root: repositoryRoot,
    build: {
      write: false,
      lib: {
        entry: join(repositoryRoot, 'tests/browser/support/line-page.ts'),
        formats: ['iife'],
        name: 'linePage',
      },
    },
  });
  const [output] = Array.isArray(result) ? result : [result];
  const [chunk] = output !== undefined && 'output' in output ? output.output : [];
  assert.ok(chunk?.type === 'chunk');
  return chunk.code;
}

async function live(
  devices: readonly StandDevice[],
  venue: Venue,
  steps: readonly Step[],
): Promise<{ presses: number; refused: number }> {
  for (const device of devices) await renew(device);
  const [first] = devices as [StandDevice];
  const { token } = first.account;
  const params = { venueId: venue.id };
  const queue = await succeed(createQueue, {
    token,
    params,
    body: { name: 'Tables', callGraceSeconds: 24 * 60 * 60 },
  });
  const tickets: string[] = [];
  const joinAs = async (name: string, people: number) => {
    const body = { name, size: people };
    const joined = await succeed(joinQueue, { params: { joinCode: queue.joinCode }, body });
    tickets.push(joined.ticket);
  };
  const [{ data: before }] = await Promise.all([
    succeed(listOccupancyChanges, { token, params, query: { limit: 1 } }),
    ...[1, 2, 3, 4].map((guest) => joinAs(`Early ${guest}`, guest)),
  ]);
  await Promise.all(devices.map((device) => device.awaitLine(queue.id, 4)));
  for (const step of steps) {
    if (step.step === 'join') await joinAs(`Late ${step.pick}`, 1 + (step.pick % 4));
    else if (step.step === 'leave') {
      const ticket = tickets[step.pick % tickets.length] as string;
      await call(leaveQueue, { params: { ticket } });
    } else if (step.step === 'press' || 'at' in step) {
      await (devices[step.at] as StandDevice).take(step, queue.id);
    }
  }
  await Promise.all(devices.map((device) => device.comeBack()));
  const lived = await assertOnce(devices, venue, queue, before[0]?.id ?? null);
  await assertShown(devices, venue, queue);

  // The next night begins with an empty venue.
  await Promise.all(devices.map(({ page }) => page.evaluate(() => stand.forget())));
  const inside = await first.page.evaluate(() => stand.shown().occupancy);
  if (inside) await succeed(changeOccupancy, { token, params, body: { delta: -inside } });
  await succeed(deleteQueue, { token, params: { queueId: queue.id } });
  return lived;
}

/** Renews an access token long before it expires. */
async function renew(device: StandDevice): Promise<void> {
  if (Date.now() - device.signedInAt < 5 * 60_000) return;
  const { email, password } = device.account;
  device.account.token = (await succeed(login, { body: { email, password } })).accessToken;
  device.signedInAt = Date.now();
}

/** The changes of the occupancy after one of them, latest first. */
async function changesAfter(known: string | null, token: string, venueId: string) {
  const changes = everyItem<OccupancyChange>((page) =>
    succeed(listOccupancyChanges, { token, params: { venueId }, query: { limit: 100, ...page } }),
  );
  const found: OccupancyChange[] = [];
  for await (const change of changes) {
    if (change.id === known) break;
    found.push(change);
  }
  return found;
}

/** Every press has happened once or is shown as refused, and nothing else has happened. */
async function assertOnce(
  devices: readonly StandDevice[],
  venue: Venue,
  queue: Queue,
  changeBefore: string | null,
): Promise<{ presses: number; refused: number }> {
  const [{ account }] = devices as [StandDevice];
  const events = await Array.fromAsync(
    everyItem<HistoryEvent>((page) =>
      succeed(listQueueEvents, {
        token: account.token,
        params: { queueId: queue.id },
        query: { limit: 100, ...page },
      }),
    ),
  );
  const changes = await changesAfter(changeBefore, account.token, venue.id);
  const counts = changes.filter(({ partyId }) => partyId === null);
  const lived = { presses: 0, refused: 0 };
  for (const { page, account: own, kept, undone, dropped, repeated } of devices) {
    const [notes, outcomes, shown] = await page.evaluate(
      async () => [stand.notes(), await stand.outcomes(), stand.shown()] as const,
    );
    const refused = new Set(shown.conflicts.flatMap(({ ids }) => ids));
    const happened = notes.filter(({ id }) => id in outcomes);
    lived.presses += notes.length;
    lived.refused += refused.size;
    for (const { id, kind: ofPress } of notes) {
      assert.ok(
        !(id in outcomes && refused.has(id)),
        `${ofPress} happened and is shown as refused`,
      );
      const undo = undone.get(id);
      const hasFate = (press: string) =>
        press in outcomes || refused.has(press) || dropped.has(press);
      if (undo !== undefined) {
        assert.ok(!(id in outcomes) || hasFate(undo), `the undo of ${ofPress} is lost`);
      } else if (kept.has(id)) assert.ok(hasFate(id), `${ofPress} is lost`);
    }
    const seqs = happened
      .filter(({ id, kind: ofPress }) => ofPress !== 'count' && !repeated.has(id))
      .map(({ id }) => Number(outcomes[id]?.seq));
    assert.deepEqual(
      seqs,
      seqs.toSorted((a, b) => a - b),
      'presses in the order in which they were made',
    );
    for (const [ofPress, type] of Object.entries(eventOf)) {
      const caused = events.filter((event) => event.type === type && event.actor.userId === own.id);
      const presses = happened.filter((press) => press.kind === ofPress);
      assert.equal(caused.length, presses.length, `${ofPress}: events and acknowledged presses`);
    }
    const ownCounts = counts.filter(({ actor }) => actor.userId === own.id);
    const pressed = happened.filter((press) => press.kind === 'count');
    assert.equal(ownCounts.length, pressed.length, 'counts at the door');
  }
  return lived;
}

/** Both stands show the line of the server. */
async function assertShown(
  devices: readonly StandDevice[],
  venue: Venue,
  queue: Queue,
): Promise<void> {
  const { token } = (devices[0] as StandDevice).account;
  const facts = ({ id, state, size: people, notes }: Record<string, unknown>) => ({
    id,
    state,
    size: people,
    notes,
  });
  const waiting = (await allParties(token, queue.id)).map(facts);
  const others = (
    await allParties(token, queue.id, 'called,seated,departed,no_show,left,removed')
  ).map(facts);
  const sorted = (parties: Record<string, unknown>[]) =>
    parties.toSorted((a, b) => String(a.id).localeCompare(String(b.id)));
  const { occupancy } = await succeed(getOccupancy, {
    token,
    params: { venueId: venue.id },
  });
  for (const { page } of devices) {
    const shown = await page.evaluate(() => stand.shown());
    const rows = shown.lines[queue.id] ?? [];
    assert.deepEqual(
      rows.filter(({ state }) => state === 'waiting'),
      waiting,
    );
    assert.deepEqual(sorted(rows.filter(({ state }) => state !== 'waiting')), sorted(others));
    // After presses that count people it is read again within a second or two.
    await page.waitForFunction((inside) => stand.shown().occupancy === inside, occupancy);
  }
}
