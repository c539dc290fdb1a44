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
import { getMe, signUp, verifyUser } from '@queue-manager/contracts/users';
import { createVenue, listVenues, type Venue } from '@queue-manager/contracts/venues';
import { mailsTo, tokenIn } from '@queue-manager/local-stack/inbox';
import { findProgram } from '@queue-manager/local-stack/stores/system-packages';
import { standAlone } from '@queue-manager/local-stack/system/stand-alone';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { freshDatabase, until } from '@queue-manager/service-kit/testing';
import { randomEmail, randomPassword } from './support/accounts.ts';

/*
 * A system of its own, since it is stopped, robbed of its Redis data and shot at. It starts its own stores:
 * nothing of the environment that names those of the system the other tests share is passed on.
 */

describe('a system that is stopped and started again', () => {
  const email = randomEmail();
  const password = randomPassword();
  let dataDir: string;
  let env: NodeJS.ProcessEnv;
  let database: Awaited<ReturnType<typeof freshDatabase>> | undefined;
  let system: System | undefined;
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
  /** On the same port again, as npm start is. */
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
    env = standAlone(process.env);
    // Where there is no MariaDB of its own to start, the server that was given keeps the truth.
    if (findProgram('mariadbd', process.env) === undefined) {
      database = await freshDatabase();
      env.MYSQL_URL = database.url;
    }
    await start();
    await succeed(signUp, { body: { name: 'Olga Owner', email, password } });
    const { mailUrl } = running();
    assert.ok(mailUrl);
    const verification = await until(
      'the verification mail came',
      async () => (await mailsTo(mailUrl, email)).map(tokenIn).find(Boolean),
      60_000,
    );
    await succeed(verifyUser, { body: { token: verification } });
    token = (await succeed(login, { body: { email, password } })).accessToken;
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
    // A line with a past: overtaken, called in order, and left.
    await succeed(callParty, { token, params: { partyId: partyAt(9).id } });
    await succeed(callNext, { token, params });
    await succeed(leaveQueue, { params: { ticket: partyAt(4).ticket } });
    queue = await succeed(getQueue, { token, params });
  });

  after(async () => {
    await stop();
    await database?.drop();
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
  /** The lists of staff, without what only holds for a moment. */
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

  it('keeps every account, venue, queue and party, and tells each guest the same place without Redis’s data', async () => {
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
    // One, or that of each node of a cluster.
    const ofRedis = folders.filter((name) => name.startsWith('redis'));
    assert.ok(ofRedis.length > 0, `no redis folder among ${folders}`);
    for (const name of ofRedis) rmSync(join(dataDir, name), { recursive: true });
    await start(port);

    assert.equal((await succeed(getMe, { token })).email, email);
    token = (await succeed(login, { body: { email, password } })).accessToken;
    assert.deepEqual((await succeed(listVenues, { token })).data, [venue]);
    const kept = await succeed(getQueue, { token, params: { queueId: queue.id } });
    assert.deepEqual(kept, queue);
    assert.deepEqual(await lists(), before.lists);
    // At once, since an empty Redis is filled on the first question, and for all at once.
    assert.deepEqual(await positions(), before.positions);
  });

  it('goes on after its position service was killed', async () => {
    const before = await positions();
    running().kill('position', 'SIGKILL');
    // The line does not depend on it: a join succeeds, at worst without a position.
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
