import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Client, createClient } from '@queue-manager/client/client';
import { leaveQueue } from '@queue-manager/contracts/guests';
import {
  addParty,
  callNext,
  callParty,
  listParties,
  type Party,
} from '@queue-manager/contracts/parties';
import { getPosition, type Position } from '@queue-manager/contracts/positions';
import { createQueue, getQueue, type Queue } from '@queue-manager/contracts/queues';
import { login } from '@queue-manager/contracts/tokens';
import { getMe } from '@queue-manager/contracts/users';
import { createVenue, listVenues, type Venue } from '@queue-manager/contracts/venues';
import { standAloneEnv } from '@queue-manager/local-stack/system/stand-alone';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { until } from '@queue-manager/service-kit/testing';
import { openAccount, type TestAccount } from './support/accounts.ts';

/*
 * Uses its own system with its own stores, since it is stopped, loses its Redis data and has processes killed.
 */

describe('a system that is stopped and restarted', () => {
  let dataDir: string;
  let env: NodeJS.ProcessEnv;
  let release: (() => Promise<void>) | undefined;
  let system: System | undefined;
  let owner: TestAccount;
  let token: string;
  let venue: Venue;
  let queue: Queue;
  let parties: Party[];

  const running = () => {
    assert.ok(system, 'the system is not running');
    return system;
  };
  const succeed: Client['succeed'] = (contract, options) =>
    createClient(running().gatewayUrl).succeed(contract, options);
  /** A restart uses the same port, as npm start does. */
  const start = async (gatewayPort?: number) => {
    system = await startSystem({
      dataDir,
      env,
      ...(gatewayPort === undefined ? {} : { gatewayPort }),
    });
  };
  const stop = async () => {
    await system?.stop();
    system = undefined;
  };

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'queue-manager-restart-'));
    ({ env, release } = await standAloneEnv(process.env));
    await start();
    owner = await openAccount({}, { succeed, mailUrl: running().mailUrl ?? '' });
    token = owner.token;
    venue = await succeed(createVenue, {
      token,
      body: { name: 'The Blue Door', timezone: 'Europe/Lisbon', capacity: 80 },
    });
    queue = await succeed(createQueue, {
      token,
      params: { venueId: venue.id },
      body: { name: 'Tables', text: 'Kitchen closes at 22:30' },
    });
    const params = { queueId: queue.id };
    for (let index = 1; index <= 30; index++) {
      await succeed(addParty, { token, params, body: { name: `Guest ${index}`, size: 2 } });
    }
    parties = await list('waiting');
    // A queue with a history: one party called out of order, one in order, and one left.
    await succeed(callParty, { token, params: { partyId: partyAt(9).id } });
    await succeed(callNext, { token, params });
    await succeed(leaveQueue, { params: { ticket: partyAt(4).ticket } });
    queue = await succeed(getQueue, { token, params });
  });

  after(async () => {
    await stop();
    await release?.();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });

  const partyAt = (index: number): Party => {
    const party = parties[index];
    assert.ok(party);
    return party;
  };
  const list = async (state: string) =>
    (
      await succeed(listParties, {
        token,
        params: { queueId: queue.id },
        query: { state, limit: 100 },
      })
    ).data;
  /** The lists of staff, without short-lived fields. */
  const lists = async () =>
    Promise.all(
      ['waiting', 'called', 'left'].map(async (state) =>
        (await list(state)).map(({ position, estimate, quoted, ...facts }) => facts),
      ),
    );
  const positions = () =>
    Promise.all(
      parties.map(async ({ ticket }): Promise<Omit<Position, 'estimate' | 'asOf'>> => {
        const { estimate, asOf, ...place } = await succeed(getPosition, { params: { ticket } });
        return place;
      }),
    );
  const settled = () =>
    until('the projection knows the last event', async () => {
      const places = await positions();
      const waiting = places.filter(({ state }) => state === 'waiting');
      return waiting.length === 27 && waiting.every((place) => place.waiting === 27)
        ? places
        : null;
    });

  it('keeps accounts, venues, queues and parties, and all positions without the data of Redis', async () => {
    const before = { lists: await lists(), positions: await settled() };
    assert.deepEqual(
      before.positions
        .filter(({ state }) => state === 'waiting')
        .map(({ position, ahead }) => [position, ahead]),
      Array.from({ length: 27 }, (_, index) => [index + 1, index]),
    );

    const port = Number(new URL(running().gatewayUrl).port);
    await stop();
    const folders = readdirSync(dataDir);
    // One server, or each node of a cluster.
    const ofRedis = folders.filter((name) => name.startsWith('redis'));
    assert.ok(ofRedis.length > 0, `no redis folder among ${folders}`);
    for (const name of ofRedis) rmSync(join(dataDir, name), { recursive: true });
    await start(port);

    assert.equal((await succeed(getMe, { token })).email, owner.email);
    const { email, password } = owner;
    token = (await succeed(login, { body: { email, password } })).accessToken;
    assert.deepEqual((await succeed(listVenues, { token })).data, [venue]);
    const kept = await succeed(getQueue, { token, params: { queueId: queue.id } });
    assert.deepEqual(kept, queue);
    assert.deepEqual(await lists(), before.lists);
    // Without waiting: the first read rebuilds the projection of the whole queue.
    assert.deepEqual(await positions(), before.positions);
  });

  it('recovers after its position service was killed', async () => {
    const before = await positions();
    running().kill('position', 'SIGKILL');
    // A join succeeds without it, at worst without a position.
    const joined = await succeed(addParty, {
      token,
      params: { queueId: queue.id },
      body: { name: 'Late' },
    });
    assert.ok(joined.position === null || joined.position === 28);
    const place = await until(
      'positions are told again',
      async () => {
        const answer = await createClient(running().gatewayUrl).call(getPosition, {
          params: { ticket: joined.ticket },
        });
        return answer.ok && answer.body.position !== null ? answer.body : null;
      },
      60_000,
    );
    assert.equal(place.position, 28);
    const after = await until('all are told their places', async () => {
      const places = await positions();
      return places.every(({ seq }) => seq >= place.seq) ? places : null;
    });
    assert.deepEqual(
      after.map(({ state, position }) => [state, position]),
      before.map(({ state, position }) => [state, position]),
    );
  });
});
