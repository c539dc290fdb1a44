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

/** Two venues of one owner with the same staff, and people who have nothing to do with them. */
export type House = {
  owner: TestAccount;
  manager: TestAccount;
  host: TestAccount;
  /** The owner of another venue. */
  stranger: TestAccount;
  strangersVenue: Venue;
  /** Everything here is made once: what must not be changed is asked for it. */
  still: Things;
  /** Everything here is made anew whenever it is asked for. */
  lively: Things;
};

/** Two parties of a queue of their own, Ana before Bea. */
export type PairInLine = { queue: Queue; ana: Party; bea: Party };

/** Something of every kind that a route may be asked about, in one venue. */
export type Things = {
  venue: Venue;
  owner: TestAccount;
  /** A venue that may be deleted. */
  anyVenue(): Promise<Venue>;
  /** A host who may be sent away. */
  member(): Promise<TestAccount>;
  invitation(): Promise<{ id: string }>;
  /** The token of an invitation for this e-mail. */
  invitationToken(email: string): Promise<string>;
  apiKey(): Promise<{ id: string; key: string }>;
  queue(): Promise<Queue>;
  pair(state: 'waiting' | 'called' | 'seated'): Promise<PairInLine>;
  /** A task that has not failed. */
  task(): Promise<{ id: string }>;
  /** A session of this account beside the one it is signed in with. */
  session(account: TestAccount): Promise<{ id: string; token: string; refreshToken: string }>;
};

export async function openHouse(): Promise<House> {
  const [owner, manager, host, stranger, spare] = await Promise.all([
    openAccount(),
    openAccount({ name: 'Manuel Manager' }),
    openAccount({ name: 'Hilda Host' }),
    openAccount({ name: 'Stella Stranger' }),
    openAccount({ name: 'Simon Spare' }),
  ]);
  const [stillVenue, livelyVenue, strangersVenue, elsewhere] = await Promise.all([
    venueOf(owner, 'Still'),
    venueOf(owner, 'Lively'),
    venueOf(stranger, 'Strange'),
    venueOf(spare, 'Elsewhere'),
  ]);
  await Promise.all(
    [stillVenue, livelyVenue].flatMap((venue) => [
      enlist(owner, venue, manager, 'manager'),
      enlist(owner, venue, host, 'host'),
    ]),
  );

  const inviteElsewhere = (email: string) =>
    invite({ owner: spare, venue: elsewhere, email, role: 'host' });
  const still: Things = onceEach({
    ...thingsOf(stillVenue, owner, inviteElsewhere),
    anyVenue: async () => stillVenue,
    member: async () => host,
  });
  const lively: Things = {
    ...thingsOf(livelyVenue, owner, inviteElsewhere),
    anyVenue: () => venueOf(owner, 'Short-lived'),
    async member() {
      await enlist(owner, livelyVenue, spare, 'host');
      return spare;
    },
  };
  return { owner, manager, host, stranger, strangersVenue, still, lively };
}

/** By a name of its own, so that the mails about it can be told from others. */
function venueOf({ token }: TestAccount, name: string): Promise<Venue> {
  const unique = `${name} ${randomBytes(4).toString('hex')}`;
  return succeed(createVenue, { token, body: { name: unique, timezone: 'Europe/Lisbon' } });
}

function thingsOf(
  venue: Venue,
  owner: TestAccount,
  invitationToken: Things['invitationToken'],
): Omit<Things, 'anyVenue' | 'member'> {
  const { token } = owner;
  const params = { venueId: venue.id };

  const queue = () =>
    // A day to answer a call: nobody becomes a no-show while a test looks at it.
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
      if (key === undefined) throw new Error('a new API key was not shown');
      return { id, key };
    },
    async task() {
      await pair('called');
      const { data } = await succeed(listTasks, {
        token,
        params,
        query: { state: 'scheduled', kind: 'call.expire' },
      });
      if (data[0] === undefined) throw new Error('a call has no end');
      return data[0];
    },
    async session({ email, password }) {
      const { accessToken, refreshToken } = await succeed(login, { body: { email, password } });
      return { id: sessionIdIn(accessToken), token: accessToken, refreshToken };
    },
  };
}

/** The same answer to the same question. */
function onceEach(things: Things): Things {
  const answers = new Map<string, unknown>();
  const remembered = Object.entries(things).map(([name, make]) => {
    if (typeof make !== 'function') return [name, make];
    return [
      name,
      (...args: unknown[]) => {
        const question = JSON.stringify([name, ...args]);
        if (!answers.has(question)) answers.set(question, Reflect.apply(make, undefined, args));
        return answers.get(question);
      },
    ];
  });
  return Object.fromEntries(remembered) as Things;
}

function sessionIdIn(accessToken: string): string {
  const payload = Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { sid: string }).sid;
}

function randomDigits(count: number): string {
  return Array.from(randomBytes(count), (byte) => byte % 10).join('');
}
