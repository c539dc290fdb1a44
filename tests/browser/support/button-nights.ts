import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { joinQueue, leaveQueue } from '@queue-manager/contracts/guests';
import { createQueue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { createCaller } from '@queue-manager/load/callers/retrying-caller';
import { signIn } from '@queue-manager/load/callers/staff-account';
import {
  type Act,
  accountsOf,
  awaitSent,
  disagreements,
  theGuest,
} from '@queue-manager/load/offline/check-offline-night';
import { type KeptPress, Stand } from '@queue-manager/load/offline/stand';
import fc from 'fast-check';
import { openAccount } from '../../support/accounts.ts';
import { enlist } from '../../support/members.ts';
import { call, gatewayUrl, succeed } from '../../support/system.ts';
import { lostNetwork, type useBrowser } from './browser.ts';

/*
 * Random nights at two stands and their doors, as hosts press their buttons, while networks are cut, pages are reloaded and
 * renderers die. In the end every press that a screen had taken has happened exactly once, was taken back, or is shown as
 * refused; and server, model and screens agree.
 */

/** Network errors and refusals are what this is about. */
const expectedErrors = new RegExp(`${lostNetwork.source}|status of (4\\d\\d|503)`);

type Step =
  | { step: 'press'; at: number; kind: keyof typeof presses; pick: number; size: number }
  | { step: 'undo' | 'cut' | 'restore' | 'reload' | 'crash' | 'decide'; at: number; pick: number }
  | { step: 'join' | 'leave'; pick: number };

const at = fc.integer({ min: 0, max: 1 });
const pick = fc.nat(30);
const size = fc.integer({ min: 1, max: 4 });
const only = <const T extends string>(...steps: T[]) => fc.constantFrom(...steps);
const kind = only(
  ...(['add', 'add', 'callNext', 'callNext', 'call', 'seat', 'seat', 'depart', 'noShow'] as const),
  ...(['remove', 'restore', 'note', 'count'] as const),
);
const nights = fc.array(
  fc.oneof(
    { weight: 14, arbitrary: fc.record({ step: only('press'), at, kind, pick, size }) },
    { weight: 2, arbitrary: fc.record({ step: only('undo'), at, pick }) },
    { weight: 4, arbitrary: fc.record({ step: only('cut', 'restore'), at, pick }) },
    { weight: 1, arbitrary: fc.record({ step: only('reload', 'crash'), at, pick }) },
    { weight: 1, arbitrary: fc.record({ step: only('decide'), at, pick }) },
    { weight: 4, arbitrary: fc.record({ step: only('join', 'join', 'leave'), pick }) },
  ) as fc.Arbitrary<Step>,
  { minLength: 16, maxLength: 36, size: 'max' },
);

/** Presses a button of a party that the screen shows where such a button is. */
const onParty =
  (
    part: Parameters<Stand['namesIn']>[0],
    press: (stand: Stand, name: string) => Promise<unknown>,
  ) =>
  async (stand: Stand, index: number) => {
    const names = await stand.namesIn(part);
    if (names.length > 0) await press(stand, names[index % names.length] as string);
  };
const presses = {
  add: (stand: Stand, index: number, people: number) => stand.add(`Walk-in ${index}`, people),
  callNext: (stand: Stand) => stand.callNext(),
  call: onParty('waiting', (stand, name) => stand.press('Call', name)),
  seat: onParty('called', (stand, name) => stand.press('Seat', name)),
  depart: onParty('seated', (stand, name) => stand.press('Has left', name)),
  noShow: onParty('called', (stand, name) => stand.press('No-show', name)),
  remove: onParty('waiting', (stand, name) => stand.remove(name)),
  restore: onParty('ended', (stand, name) => stand.restore(name)),
  note: onParty('waiting', (stand, name) => stand.note(name, crypto.randomUUID())),
  count: (stand: Stand, index: number) => stand.count(index % 3 === 0 ? 'out' : 'in'),
};

/** Runs random nights. `BUTTON_NIGHTS` overrides their number, `OFFLINE_SEED` repeats a run. */
export async function survivesNightsByButtons(
  test: TestContext,
  browser: ReturnType<typeof useBrowser>,
  byDefault: number,
): Promise<void> {
  const { BUTTON_NIGHTS, OFFLINE_SEED } = process.env;
  const numRuns = Number(BUTTON_NIGHTS ?? byDefault);
  const seed = Number(OFFLINE_SEED ?? Math.floor(Math.random() * 0x7fff_0000));
  const [owner, host] = await Promise.all([
    openAccount({ name: 'Rui Costa' }),
    openAccount({ name: 'Eva Melo' }),
  ]);
  const { token } = owner;
  const body = { name: 'Night by Buttons', timezone: 'Europe/Lisbon' };
  const venue = await succeed(createVenue, { token, body });
  await enlist(owner, venue, host, 'host');
  const queue = await succeed(createQueue, {
    token,
    params: { venueId: venue.id },
    body: { name: 'Tables', callGraceSeconds: 24 * 60 * 60 },
  });
  const stands = await Promise.all(
    [owner, host].map(({ id: userId, ...credentials }) =>
      Stand.open(
        { newContext: (options) => browser.newContext({ ...options, expectedErrors }) },
        { gatewayUrl, venueId: venue.id, userId, credentials },
      ),
    ),
  );
  const caller = createCaller({ gatewayUrl, signal: test.signal, note: () => {} });
  const line = { owner: await signIn(caller, owner), venueId: venue.id, queueId: queue.id, stands };
  const acts: Act[] = [];
  const refused = new Map<Stand, KeptPress[]>(stands.map((stand) => [stand, []]));
  const guests: { name: string; ticket: string }[] = [];
  let added = 0;

  async function leaveOne(stand: Stand): Promise<boolean> {
    const dropped = await stand.leaveIt();
    refused.get(stand)?.push(...dropped);
    return dropped.length > 0;
  }

  async function join(): Promise<void> {
    const name = `Guest ${guests.length + 1}`;
    const params = { joinCode: queue.joinCode };
    const { ticket } = await succeed(joinQueue, { params, body: { name } });
    guests.push({ name, ticket });
    acts.push({ by: theGuest, kind: 'add', name });
  }

  async function leave(index: number): Promise<void> {
    const guest = guests[index % Math.max(1, guests.length)];
    if (guest === undefined) return;
    const { name, ticket } = guest;
    const answer = await call(leaveQueue, { params: { ticket } });
    if (answer.ok) acts.push({ by: theGuest, kind: 'leave', name });
  }

  async function take(step: Step): Promise<void> {
    if (!('at' in step)) return step.step === 'join' ? join() : leave(step.pick);
    const stand = stands[step.at] as Stand;
    switch (step.step) {
      case 'press':
        added += 1;
        await presses[step.kind](stand, step.kind === 'add' ? added : step.pick, step.size);
        return;
      case 'undo':
        await stand.undo();
        return;
      case 'cut':
        return stand.setOffline(true);
      case 'restore':
        return stand.setOffline(false);
      case 'reload':
        return stand.reload();
      case 'crash':
        return stand.crash();
      case 'decide':
        if (step.pick % 2 === 0) await stand.doAnyway();
        else await leaveOne(stand);
    }
  }

  const startedAt = Date.now();
  await fc.assert(
    fc.asyncProperty(nights, async (steps) => {
      for (const step of steps) await take(step);
      for (const stand of stands) await stand.setOffline(false);
      await awaitSent(stands, test.signal);
      assert.deepEqual(await disagreements(line, test.signal), []);
      for (const stand of stands) while (await leaveOne(stand));
      await awaitSent(stands, test.signal);
      const { lost, doubled, unexplained } = await accountsOf(line, acts, refused);
      assert.deepEqual({ lost, doubled, unexplained }, { lost: 0, doubled: 0, unexplained: 0 });
    }),
    { numRuns, seed, endOnFailure: true },
  );
  const taken = stands.flatMap(({ pressed }) => pressed).length;
  const shown = [...refused.values()].flat().length;
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  test.diagnostic(
    `${numRuns} nights with ${taken} presses, ${shown} of them shown as refused, in ${seconds} s; OFFLINE_SEED=${seed} repeats them`,
  );
}
