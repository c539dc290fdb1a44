import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createApiKey } from '@queue-manager/contracts/api-keys';
import { createInvitation } from '@queue-manager/contracts/members';
import { addParty, callParty, type Party, seatParty } from '@queue-manager/contracts/parties';
import { createQueue, type Queue } from '@queue-manager/contracts/queues';
import { listTasks } from '@queue-manager/contracts/tasks';
import { login } from '@queue-manager/contracts/tokens';
import { createVenue, type Venue } from '@queue-manager/contracts/venues';
import { openAccount, randomEmail, type TestAccount } from './accounts.ts';
import { enlist, invite } from './members.ts';
import { succeed } from './system.ts';

/** Two venues of one owner with the same staff, and accounts without a role in them. */
export type Fixtures = {
  owner: TestAccount;
  manager: TestAccount;
  host: TestAccount;
  /** The owner of another venue. */
  stranger: TestAccount;
  strangersVenue: Venue;
  /** Creates each thing once, for calls that must not change it. */
  shared: VenueFixtures;
  /** Creates a new thing on each request. */
  fresh: VenueFixtures;
};

/** Two parties of a queue of their own, Ana before Bea. */
export type PairInLine = { queue: Queue; ana: Party; bea: Party };

/** Something of every kind that routes are about, in one venue. */
export type VenueFixtures = {
  venue: Venue;
  owner: TestAccount;
  /** A venue that may be deleted. */
  anyVenue(): Promise<Venue>;
  /** A host who may be removed. */
  member(): Promise<TestAccount>;
  invitation(): Promise<{ id: string }>;
  /** The token of an invitation to this e-mail. */
  invitationToken(email: string): Promise<string>;
  apiKey(): Promise<{ id: string; key: string }>;
  queue(): Promise<Queue>;
  pair(state: 'waiting' | 'called' | 'seated'): Promise<PairInLine>;
  /** A task that has not failed. */
  task(): Promise<{ id: string }>;
  /** Another session of this account. */
  session(account: TestAccount): Promise<{ id: string; token: string; refreshToken: string }>;
};

export async function createFixtures(): Promise<Fixtures> {
  const [owner, manager, host, stranger, spare] = await Promise.all([
    openAccount(),
    openAccount({ name: 'Manuel Manager' }),
    openAccount({ name: 'Hilda Host' }),
    openAccount({ name: 'Stella Stranger' }),
    openAccount({ name: 'Simon Spare' }),
  ]);
  const [sharedVenue, freshVenue, strangersVenue, elsewhere] = await Promise.all([
    venueOf(owner, 'Shared'),
    venueOf(owner, 'Fresh'),
    venueOf(stranger, 'Strange'),
    venueOf(spare, 'Elsewhere'),
  ]);
  await Promise.all(
    [sharedVenue, freshVenue].flatMap((venue) => [
      enlist(owner, venue, manager, 'manager'),
      enlist(owner, venue, host, 'host'),
    ]),
  );

  const inviteElsewhere = (email: string) =>
    invite({ owner: spare, venue: elsewhere, email, role: 'host' });
  const shared: VenueFixtures = memoized({
    ...fixturesOf(sharedVenue, owner, inviteElsewhere),
    anyVenue: async () => sharedVenue,
    member: async () => host,
  });
  const fresh: VenueFixtures = {
    ...fixturesOf(freshVenue, owner, inviteElsewhere),
    anyVenue: () => venueOf(owner, 'Short-lived'),
    async member() {
      await enlist(owner, freshVenue, spare, 'host');
      return spare;
    },
  };
  return { owner, manager, host, stranger, strangersVenue, shared, fresh };
}

/** A name that nothing else has, in letters: mails cut long numbers in names. */
export function uniqueName(first: string): string {
  const letters = Array.from(randomBytes(10), (byte) => String.fromCodePoint(97 + (byte % 26)));
  return `${first} ${letters.join('')}`;
}

/** The unique name identifies mails about the venue. */
function venueOf({ token }: TestAccount, name: string): Promise<Venue> {
  const body = { name: uniqueName(name), timezone: 'Europe/Lisbon' };
  return succeed(createVenue, { token, body });
}

function fixturesOf(
  venue: Venue,
  owner: TestAccount,
  invitationToken: VenueFixtures['invitationToken'],
): Omit<VenueFixtures, 'anyVenue' | 'member'> {
  const { token } = owner;
  const params = { venueId: venue.id };

  const queue = () =>
    // A grace time of a day: no call expires during a test.
    succeed(createQueue, { token, params, body: { name: 'Tables', callGraceSeconds: 86_400 } });

  async function party(queueId: string, name: string, state: string): Promise<Party> {
    const body = { name, phone: `+351 9${randomDigits(8)}`, notes: `Knows ${randomDigits(12)}` };
    const made = await succeed(addParty, { token, params: { queueId }, body });
    const of = { token, params: { partyId: made.id } };
    if (state === 'called') return succeed(callParty, of);
    if (state === 'seated') return succeed(seatParty, of);
    return made;
  }

  async function pair(state: string): Promise<PairInLine> {
    const made = await queue();
    const ana = await party(made.id, `Ana ${randomDigits(12)}`, state);
    const bea = await party(made.id, `Bea ${randomDigits(12)}`, state);
    return { queue: made, ana, bea };
  }

  return {
    venue,
    owner,
    invitationToken,
    queue,
    pair,
    invitation: () =>
      succeed(createInvitation, { token, params, body: { email: randomEmail(), role: 'host' } }),
    async apiKey() {
      const { id, key } = await succeed(createApiKey, { token, params, body: { name: 'Till' } });
      if (key === undefined) throw new Error('the answer has no key');
      return { id, key };
    },
    async task() {
      await pair('called');
      const { data } = await succeed(listTasks, {
        token,
        params,
        query: { state: 'scheduled', kind: 'call.expire' },
      });
      if (data[0] === undefined) throw new Error('the call has no expiry task');
      return data[0];
    },
    async session({ email, password }) {
      const { accessToken, refreshToken } = await succeed(login, { body: { email, password } });
      assert.ok(refreshToken);
      return { id: sessionIdIn(accessToken), token: accessToken, refreshToken };
    },
  };
}

/** Memoizes every function, by its arguments. */
function memoized(fixtures: VenueFixtures): VenueFixtures {
  const results = new Map<string, unknown>();
  const entries = Object.entries(fixtures).map(([name, make]) => {
    if (typeof make !== 'function') return [name, make];
    return [
      name,
      (...args: unknown[]) => {
        const key = JSON.stringify([name, ...args]);
        if (!results.has(key)) results.set(key, Reflect.apply(make, undefined, args));
        return results.get(key);
      },
    ];
  });
  return Object.fromEntries(entries) as VenueFixtures;
}

function sessionIdIn(accessToken: string): string {
  const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { sid: string }).sid;
}

function randomDigits(count: number): string {
  return Array.from(randomBytes(count), (byte) => byte % 10).join('');
}
