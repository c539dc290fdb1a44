import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { listApiKeys } from '@queue-manager/contracts/api-keys';
import { getBrokerStats } from '@queue-manager/contracts/broker';
import { type Contract, isRawBody, pathOf } from '@queue-manager/contracts/contract';
import { getTicket, snooze } from '@queue-manager/contracts/guests';
import { listQueueEvents } from '@queue-manager/contracts/history';
import {
  acceptInvitation,
  createInvitation,
  listInvitations,
  listMembers,
} from '@queue-manager/contracts/members';
import { changeOccupancy, listOccupancyChanges } from '@queue-manager/contracts/occupancy';
import {
  getParty,
  listParties,
  type Party,
  partyStates,
  seatParty,
  updateParty,
} from '@queue-manager/contracts/parties';
import { commonProblems } from '@queue-manager/contracts/problems';
import { deleteQueue, listQueues } from '@queue-manager/contracts/queues';
import { publicContracts } from '@queue-manager/contracts/registry';
import { listTasks } from '@queue-manager/contracts/tasks';
import { endSession, listSessions } from '@queue-manager/contracts/tokens';
import { exportMe, getMe, signUp } from '@queue-manager/contracts/users';
import { getVenue, listVenues, type Role, roles } from '@queue-manager/contracts/venues';
import { mailedToken, randomEmail, randomPassword, type TestAccount } from './support/accounts.ts';
import {
  createFixtures,
  type Fixtures,
  type PairInLine,
  type VenueFixtures,
} from './support/fixtures.ts';
import { type RouteCall, routeCalls } from './support/route-calls.ts';
import { problemOf, type RawAnswer, refuse, send, succeed } from './support/system.ts';

/*
 * Every route × every caller. The expected answer is derived from the contract alone; `routeCalls` has the calls. A call
 * that must be refused is about existing resources, which must be unchanged afterwards.
 */

/** Shared fixtures, and the calls about them, are created before the tests. */
let fixtures: Fixtures;
let stillCalls: Map<string, Promise<RouteCall>>;
let guests: PairInLine;
let credentials: Record<Caller, string | undefined>;

const staff = ['host', 'manager', 'owner'] as const satisfies readonly Role[];
const accounts = ['stranger', ...staff] as const;
const tickets = ['guest', 'otherGuest'] as const;
/** Credentials of another kind, or tampered ones. */
const otherCredentials = ['apiKey', 'refreshToken', 'mailedToken', 'tamperedToken'] as const;
const callers = ['nobody', ...accounts, ...tickets, ...otherCredentials] as const;
type Caller = (typeof callers)[number];

const isOneOf = <const T extends string>(list: readonly T[], value: string): value is T =>
  (list as readonly string[]).includes(value);

/** The result of a contract's policy for a caller: `granted`, or the code of the problem. */
function policyFor({ auth }: Contract, caller: Caller): string {
  switch (auth) {
    case 'public':
      return 'granted';
    case 'ticket':
      return isOneOf(tickets, caller) ? 'granted' : 'not-found';
    case 'key':
      return caller === 'apiKey' ? 'granted' : 'unauthenticated';
    case 'session':
    case 'user':
      return isOneOf(accounts, caller) ? 'granted' : 'unauthenticated';
    case 'host':
    case 'manager':
    case 'owner':
      if (!isOneOf(accounts, caller)) return 'unauthenticated';
      if (caller === 'stranger') return 'not-found';
      return roles.indexOf(caller) >= roles.indexOf(auth) ? 'granted' : 'forbidden';
    default:
      throw new Error(`a public route cannot have the policy ${auth}`);
  }
}

/** The problems that a route must state because of its policy. */
function refusalsOf({ auth }: Contract): string[] {
  if (auth === 'ticket' || auth === 'host') return ['not-found'];
  return auth === 'manager' || auth === 'owner' ? ['not-found', 'forbidden'] : [];
}

/** The call with a caller's credential, and on ticket routes with the caller's ticket or substitute. */
function knock(contract: Contract, call: RouteCall, caller: Caller): Promise<RawAnswer> {
  const credential = call.token ?? credentials[caller];
  if (contract.auth !== 'ticket') return ask(contract, call, credential);
  const ticket = call.pair ? ticketOf(caller, call.pair) : '';
  return ask(contract, { ...call, params: { ticket } }, credential);
}

function ask(contract: Contract, call: RouteCall, token: string | undefined): Promise<RawAnswer> {
  return send(contract.method, pathOf(contract, call.params, call.query), {
    ...(call.body === undefined ? {} : { body: call.body }),
    ...(token === undefined ? {} : { token }),
  });
}

function withOwnCredential({ token: _, ...call }: RouteCall): RouteCall {
  return call;
}

/** The ticket of a guest, or what other callers try instead. */
function ticketOf(caller: Caller, { ana, bea }: PairInLine): string {
  if (caller === 'guest') return ana.ticket;
  if (caller === 'otherGuest') return bea.ticket;
  if (caller === 'nobody') return 'A'.repeat(ana.ticket.length);
  if (caller === 'tamperedToken') return tampered(ana.ticket);
  return isOneOf(accounts, caller) ? ana.id : (credentials[caller] ?? '');
}

/** Changes a character in the middle; the last ones of base64 may encode the same bytes. */
function tampered(credential: string, at = Math.floor(credential.length / 2)): string {
  const other = credential[at] === 'A' ? 'B' : 'A';
  return credential.slice(0, at) + other + credential.slice(at + 1);
}

/**
 * `granted`, or the code of the problem. Checks the shape of the answer, and that private answers must not be cached.
 */
function outcomeOf(contract: Contract, answer: RawAnswer): string {
  if (answer.status !== contract.status) return problemOf(answer).code;
  if (contract.auth !== 'public' || answer.text.includes('"ticket":')) {
    assert.match(answer.headers.get('cache-control') ?? '', /^no-store/);
  }
  const { response } = contract;
  if (response === undefined) assert.equal(answer.text, '');
  else if (isRawBody(response)) {
    assert.ok(answer.headers.get('content-type')?.startsWith(response.contentType));
  } else response.parse(answer.json());
  return 'granted';
}

/** Fields that change by themselves. */
const fleeting = [
  'position',
  'estimate',
  'asOf',
  'lastUsedAt',
  'updatedAt',
  'attempts',
  'oldestAgeSeconds',
];

/** Everything that the owner can read of a venue and of its own account. */
async function readEverything({ venue, owner }: VenueFixtures): Promise<unknown> {
  const { token } = owner;
  const params = { venueId: venue.id };
  const query = { limit: 100 };
  const queues = await succeed(listQueues, { token, params, query });
  const seen = await Promise.all([
    queues,
    succeed(getVenue, { token, params }),
    succeed(listMembers, { token, params, query }),
    succeed(listInvitations, { token, params, query }),
    succeed(listApiKeys, { token, params, query }),
    succeed(listOccupancyChanges, { token, params, query }),
    succeed(listTasks, { token, params, query }),
    succeed(getMe, { token }),
    succeed(listSessions, { token, query }),
    succeed(getBrokerStats, { token: credentials.apiKey ?? '' }),
    ...queues.data.flatMap(({ id: queueId }) => [
      succeed(listParties, {
        token,
        params: { queueId },
        query: { ...query, state: partyStates.join() },
      }),
      succeed(listQueueEvents, { token, params: { queueId }, query }),
    ]),
  ]);
  return lasting(seen);
}

function lasting(seen: unknown): unknown {
  return JSON.parse(
    JSON.stringify(seen, (name, value) => (fleeting.includes(name) ? undefined : value)),
  );
}

before(async () => {
  fixtures = await createFixtures();
  const { shared, owner } = fixtures;
  const unverified = randomEmail();
  await succeed(signUp, {
    body: { name: 'Una Unverified', email: unverified, password: randomPassword() },
  });
  const [pair, apiKey, session, mailed] = await Promise.all([
    shared.pair('waiting'),
    shared.apiKey(),
    shared.session(owner),
    mailedToken(unverified),
  ]);
  guests = pair;
  credentials = {
    nobody: undefined,
    stranger: fixtures.stranger.token,
    host: fixtures.host.token,
    manager: fixtures.manager.token,
    owner: owner.token,
    guest: guests.ana.ticket,
    otherGuest: guests.bea.ticket,
    apiKey: apiKey.key,
    refreshToken: session.refreshToken,
    mailedToken: mailed,
    tamperedToken: tampered(owner.token),
  };
  stillCalls = new Map(
    publicContracts.flatMap(({ operationId }) => {
      const makeCall = routeCalls[operationId];
      return makeCall ? [[operationId, Promise.resolve(makeCall(shared, owner, fixtures))]] : [];
    }),
  );
  await Promise.allSettled(stillCalls.values());
});

describe('every route', () => {
  it('has a call here, and every call has a route', () => {
    assert.deepEqual(
      Object.keys(routeCalls).toSorted(),
      publicContracts.map(({ operationId }) => operationId).toSorted(),
    );
  });

  for (const contract of publicContracts) {
    const { method, url, auth, operationId, problems } = contract;

    it(`${method} ${url} is for ${auth}`, async () => {
      const policies = callers.map((caller) => [caller, policyFor(contract, caller)] as const);
      const makeCall = routeCalls[operationId];
      const stillCall = await stillCalls.get(operationId);
      assert.ok(makeCall && stillCall, `nobody knows how to ask ${operationId}`);
      for (const code of refusalsOf(contract)) {
        assert.ok((problems as string[]).includes(code), `${operationId} does not state ${code}`);
      }

      const seen = await readEverything(fixtures.shared);
      const refused = policies.filter(([, policy]) => policy !== 'granted');
      const refusals = await Promise.all(
        refused.map(async ([caller]) => [
          caller,
          outcomeOf(contract, await knock(contract, withOwnCredential(stillCall), caller)),
        ]),
      );
      assert.deepEqual(Object.fromEntries(refusals), Object.fromEntries(refused));
      assert.deepEqual(
        await readEverything(fixtures.shared),
        seen,
        'a refused call changed something',
      );

      const granted = policies.filter(([, policy]) => policy === 'granted');
      const [grants, expected] = [new Map<string, string>(), new Map<string, string>()];
      // Sequential: fixtures of an account may build on those of the previous one.
      for (const [caller] of granted) {
        const as = isOneOf(accounts, caller) ? fixtures[caller] : fixtures.owner;
        const call = await makeCall(fixtures.fresh, as, fixtures);
        grants.set(caller, outcomeOf(contract, await knock(contract, call, caller)));
        expected.set(caller, call.answers ?? 'granted');
        const stated: readonly string[] = ['granted', ...commonProblems, ...problems];
        assert.ok(stated.includes(grants.get(caller) ?? ''), `${operationId} does not state it`);
      }
      assert.deepEqual(grants, expected);
    });
  }
});

describe('a missing resource', () => {
  const isId = (name: string) => name.endsWith('Id');
  const paramsOf = ({ url }: Contract) =>
    [...url.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');
  const withoutRequestId = (answer: RawAnswer) => ({ ...problemOf(answer), requestId: '' });

  for (const contract of publicContracts) {
    const { method, url, operationId, auth } = contract;
    const names = paramsOf(contract);
    if (names.length === 0) continue;

    it(`${method} ${url} answers the same as for a resource of another venue`, async () => {
      const call = await stillCalls.get(operationId);
      assert.ok(call?.params);
      const { owner, stranger, strangersVenue } = fixtures;
      const of = (params: Record<string, string>) => ({
        ...call,
        params: { ...call.params, ...params },
      });
      const hidden =
        auth === 'public' || auth === 'ticket' || auth === 'key'
          ? null
          : withoutRequestId(await ask(contract, call, stranger.token));

      for (const name of names) {
        const known: string = call.params[name] ?? '';
        const absent: string[] = isId(name)
          ? [randomUUID(), 'none', known.slice(0, -1), `${known}0`, '00000000', "1' OR '1'='1"]
          : ['none', tampered(known), `${known}A`, known.slice(0, -1)];
        for (const value of absent) {
          const token = auth === 'key' ? credentials.apiKey : owner.token;
          const answer = withoutRequestId(await ask(contract, of({ [name]: value }), token));
          assert.equal(answer.code, 'not-found', `${name} is ${value}`);
          // Members of the venue may learn which part of it is missing.
          if (hidden !== null && name === names[0]) assert.deepEqual(answer, hidden);
        }
      }

      if (names.includes('venueId') && names.length > 1) {
        const seen = await readEverything(fixtures.shared);
        const mixed = await ask(contract, of({ venueId: strangersVenue.id }), stranger.token);
        assert.equal(problemOf(mixed).code, 'not-found', 'named under a venue of the caller');
        assert.deepEqual(await readEverything(fixtures.shared), seen);
      }
    });
  }
});

describe("a guest's ticket", () => {
  const staffView = (party: Party) =>
    succeed(getParty, { token: fixtures.owner.token, params: { partyId: party.id } });

  /** Bea's answer, and whether it contains anything of Ana's. */
  async function assertNothingOf(ana: Party, answer: RawAnswer): Promise<void> {
    const shown = answer.text + JSON.stringify([...answer.headers]);
    for (const secret of [ana.id, ana.ticket, ana.name, ana.phone, ana.notes]) {
      assert.ok(secret !== null && !shown.includes(secret), `${secret} was shown`);
    }
  }

  for (const contract of publicContracts.filter(({ auth }) => auth === 'ticket')) {
    const { method, url, operationId } = contract;

    it(`shows and moves only its own party: ${method} ${url}`, async () => {
      const call = await routeCalls[operationId]?.(fixtures.fresh, fixtures.owner, fixtures);
      assert.ok(call?.pair);
      const { ana, bea, queue } = call.pair;
      const before = [await staffView(ana), await staffView(bea)];
      const answer = await ask(contract, { ...call, params: { ticket: bea.ticket } }, ana.ticket);
      assert.equal(outcomeOf(contract, answer), 'granted');
      await assertNothingOf(ana, answer);
      assert.match(answer.headers.get('cache-control') ?? '', /^no-store/);
      assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
      assert.deepEqual(lasting(await staffView(ana)), lasting(before[0]));
      if (method === 'GET') assert.deepEqual(lasting(await staffView(bea)), lasting(before[1]));
      else assert.notDeepEqual(lasting(await staffView(bea)), lasting(before[1]));

      // Neither does any combination of the two tickets.
      const [mine, theirs] = [ana.ticket, bea.ticket].map((ticket) =>
        Buffer.from(ticket, 'base64url'),
      );
      assert.ok(mine && theirs);
      const idsEnd = 1 + 2 * 16;
      const spliced = Buffer.concat([theirs.subarray(0, idsEnd), mine.subarray(idsEnd)]);
      const bytes = Array.from({ length: mine.length }, (_, at) => {
        const other = Buffer.from(mine);
        other[at] = (other[at] ?? 0) ^ 1;
        return other.toString('base64url');
      });
      const seen = [await staffView(ana), await staffView(bea)];
      await Promise.all(
        [spliced.toString('base64url'), ...bytes, ana.id, queue.id].map(async (ticket) => {
          const refused = await ask(contract, { ...call, params: { ticket } }, undefined);
          assert.equal(problemOf(refused).code, 'not-found', ticket);
          assert.equal(refused.headers.get('cache-control'), 'no-store');
        }),
      );
      assert.deepEqual(lasting([await staffView(ana), await staffView(bea)]), lasting(seen));
    });
  }

  it('is useless once its venue or queue is deleted', async () => {
    const { fresh, owner } = fixtures;
    const { queue, ana } = await fresh.pair('waiting');
    await succeed(deleteQueue, { token: owner.token, params: { queueId: queue.id } });
    await refuse('not-found', getParty, { token: owner.token, params: { partyId: ana.id } });
    await refuse('invalid-transition', snooze, {
      params: { ticket: ana.ticket },
      body: { places: 1 },
    });
    assert.equal((await succeed(getTicket, { params: { ticket: ana.ticket } })).state, 'removed');
  });
});

describe('an account', () => {
  it('sees only its own resources', async () => {
    const { owner, manager, host, stranger, shared, fresh, strangersVenue } = fixtures;
    const [mine, theirs] = [shared.venue.id, strangersVenue.id];
    for (const account of [owner, manager, host, stranger] as TestAccount[]) {
      const { token } = account;
      assert.equal((await succeed(getMe, { token })).id, account.id);
      const exported = await succeed(exportMe, { token });
      assert.equal(exported.account.id, account.id);
      assert.ok(exported.signUps.every(({ email }) => email === account.email));
      const listed = (await succeed(listVenues, { token, query: { limit: 100 } })).data;
      for (const ids of [
        listed.map(({ id }) => id),
        exported.memberships.map(({ venueId }) => venueId),
      ]) {
        const isStranger = account === stranger;
        assert.equal(ids.includes(theirs), isStranger);
        assert.equal(ids.includes(mine), !isStranger);
        assert.equal(ids.includes(fresh.venue.id), !isStranger);
      }
    }
    const sessions = await Promise.all(
      [owner, manager, host, stranger].map(async ({ token }) =>
        (await succeed(listSessions, { token, query: { limit: 100 } })).data.map(({ id }) => id),
      ),
    );
    assert.equal(new Set(sessions.flat()).size, sessions.flat().length);
  });

  it('cannot end the session of another account', async () => {
    const { owner, stranger, fresh } = fixtures;
    const { id } = await fresh.session(owner);
    await refuse('not-found', endSession, { token: stranger.token, params: { sessionId: id } });
    const { data } = await succeed(listSessions, { token: owner.token, query: { limit: 100 } });
    assert.ok(data.some((session) => session.id === id));
  });

  it('cannot accept an invitation to another e-mail, or a token of another kind', async () => {
    const { shared, stranger, host, manager } = fixtures;
    const token = await shared.invitationToken(manager.email);
    await refuse('forbidden', acceptInvitation, { token: stranger.token, body: { token } });
    await refuse('invalid-token', acceptInvitation, {
      token: host.token,
      body: { token: tampered(token) },
    });
    for (const other of [host.token.slice(-200), host.refreshToken, guests.ana.ticket]) {
      await refuse('invalid-token', acceptInvitation, {
        token: host.token,
        body: { token: other },
      });
    }
  });
});

describe('a restricted option', () => {
  it('only managers may exceed the capacity', async () => {
    const { fresh, host, manager } = fixtures;
    const body = { override: true, reason: 'The owner said so' } as const;
    const { ana, bea } = await fresh.pair('waiting');
    const [params, venueParams] = [{ partyId: ana.id }, { venueId: fresh.venue.id }];
    const { token } = host;
    const before = lasting(await succeed(getParty, { token, params }));
    await refuse('forbidden', seatParty, { token, params, body });
    await refuse('forbidden', updateParty, { token, params, body: { size: 3, ...body } });
    await refuse('forbidden', changeOccupancy, {
      token,
      params: venueParams,
      body: { delta: 1, ...body },
    });
    assert.deepEqual(lasting(await succeed(getParty, { token, params })), before);

    const asManager = { token: manager.token, params: { partyId: bea.id } };
    await succeed(seatParty, { ...asManager, body });
    await succeed(updateParty, { ...asManager, body: { size: 3, ...body } });
    await succeed(changeOccupancy, {
      token: manager.token,
      params: venueParams,
      body: { delta: 1, ...body },
    });
  });

  it('only owners may grant a role at or above their own', async () => {
    const { fresh, manager, owner } = fixtures;
    const params = { venueId: fresh.venue.id };
    for (const role of ['manager', 'owner'] as const) {
      const body = { email: randomEmail(), role };
      await refuse('forbidden', createInvitation, { token: manager.token, params, body });
      await succeed(createInvitation, { token: owner.token, params, body });
    }
    const { data } = await succeed(listInvitations, {
      token: manager.token,
      params,
      query: { limit: 100 },
    });
    assert.equal(data.filter(({ role }) => role !== 'host').length, 2);
  });
});
