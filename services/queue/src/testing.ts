import assert from 'node:assert/strict';
import type { EventOf } from '@queue-manager/contracts/events';
import {
  type Account,
  applyEvents,
  getAccount,
  getNames,
  getNeighbours,
  getPlaces,
  type LineEvent,
  type Neighbour,
  type Place,
} from '@queue-manager/contracts/internal';
import { type Lane, lanes, type Party, type PartyState } from '@queue-manager/contracts/parties';
import { type ProblemCode, problemTypeBase, problemTypes } from '@queue-manager/contracts/problems';
import type { Role } from '@queue-manager/contracts/venues';
import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { ManualClock, systemClock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { freshDatabase, testCredential, testLogger } from '@queue-manager/service-kit/testing';
import { createTicketCodec } from '@queue-manager/service-kit/tickets';
import type { InjectOptions } from 'fastify';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { sql } from 'kysely';
import { createInvitationTokens } from './access/invitation-tokens.ts';
import { createQueueApp } from './app.ts';
import { type Database, migrate, openDatabase } from './db/database.ts';
import type { PartyRow } from './db/tables.ts';
import type { Deps } from './deps.ts';
import { createKeyedMutex } from './line/keyed-mutex.ts';
import { seqOf, toEvent } from './line/line-event.ts';
import { createLineFeed } from './line/line-feed.ts';
import { keyBetween } from './line/order-key.ts';
import { createQuotes } from './line/quotes.ts';
import { laneIndex, partySnapshot } from './line/snapshots.ts';
import { onVenueDeleted } from './retention/on-venue-deleted.ts';

/** Moves that a guest makes with its ticket. */
const guestMoves = ['confirm', 'leave', 'snooze'];

/** An evening in Lisbon, on the day that the tests run. */
export const testStart = new ManualClock().now().toISOString();
export const publicUrl = 'http://queue.test';

/**
 * The queue service on a database of its own. The position service beyond it is played by an app that keeps
 * the number waiting by the events it is given; `positionApp.events` shows what arrived. The user service is
 * played too: it knows the accounts that `userApp.open` made.
 */
export async function startQueueService(options: { poolSize?: number } = {}) {
  const database = await freshDatabase();
  const db = openDatabase({ url: database.url, poolSize: options.poolSize ?? 20 });
  await migrate(db);
  const clock = new ManualClock();
  clock.set(testStart);
  const positionApp = await startPositionUpstream();
  const position = createInternalClient({ baseUrl: positionApp.url, credential: testCredential });
  const userApp = await startUserUpstream();
  const users = createInternalClient({ baseUrl: userApp.url, credential: testCredential });
  const ticketKeys = [{ id: 1, secret: Buffer.alloc(32, 7).toString('base64url') }];
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] });
  const deps: Deps = {
    db,
    clock,
    logger: testLogger,
    tickets: createTicketCodec(ticketKeys),
    invitationTokens: createInvitationTokens(ticketKeys),
    publicUrl,
    position,
    users,
    // However slow the machine is, an answer holds the place that the position service gives.
    feed: createLineFeed({
      position,
      logger: testLogger,
      relay: { wake() {}, delivered() {} },
      onCommitted: () => {},
      budgetMs: 15_000,
    }),
    quotes: createQuotes(db, testLogger),
    repeats: createKeyedMutex(),
    wakeDispatcher: () => {},
    verifyAccessToken: createAccessTokenVerifier({
      authServiceUrl: 'http://auth.test',
      clock,
      keys,
    }),
    internalCredential: testCredential,
  };
  const app = createQueueApp(deps, {});
  await app.ready();

  const tokens = new Map<string, Promise<string>>();

  /** An access token of the account, good at the test's present time; signing is what takes most of a call. */
  function tokenOf(userId: string): Promise<string> {
    const seconds = Math.floor(clock.now().getTime() / 1_000);
    const known = tokens.get(`${userId} ${seconds}`);
    if (known !== undefined) return known;
    const token = new SignJWT({ sid: newId(clock) })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .setIssuer('queue-manager')
      .setAudience('queue-manager')
      .setSubject(userId)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + 900)
      .sign(privateKey);
    tokens.set(`${userId} ${seconds}`, token);
    return token;
  }

  const headersOf = async (userId: string) => ({
    authorization: `Bearer ${await tokenOf(userId)}`,
  });

  async function call(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    options: CallOptions = {},
  ): Promise<Answer> {
    const answer = await app.inject({
      method,
      url,
      headers: {
        ...(options.as === undefined ? {} : await headersOf(options.as)),
        ...(options.key === undefined ? {} : { 'idempotency-key': options.key }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { payload: options.body as object }),
    } as InjectOptions);
    const isJson = /^application\/(problem\+)?json/.test(String(answer.headers['content-type']));
    return {
      status: answer.statusCode,
      body: isJson ? answer.json() : null,
      headers: answer.headers,
      raw: answer.rawPayload,
    };
  }

  const eventsOf = (queueId: string) =>
    db
      .selectFrom('events')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(queueId))
      .orderBy('seq')
      .execute();

  const rowOf = (queueId: string) =>
    db
      .selectFrom('queues')
      .selectAll()
      .where('id', '=', uuidToBytes(queueId))
      .executeTakeFirstOrThrow();

  return {
    app,
    call,
    clock,
    databaseUrl: database.url,
    db,
    deps,
    eventsOf,
    /** What an account sends to be known. */
    headersOf,
    positionApp,
    userApp,
    rowOf,
    /** A host's addition to a line. */
    add: (queueId: string, as: string, body: object = {}, key?: string) =>
      call('POST', `/v1/queues/${queueId}/parties`, {
        as,
        body: { name: 'Ana Lima', ...body },
        ...(key === undefined ? {} : { key }),
      }),
    /** A guest's own joining. */
    join: (joinCode: string, body: object = {}, key?: string) =>
      call('POST', `/v1/join/${joinCode}`, {
        body: { name: 'Rui Gomes', ...body },
        ...(key === undefined ? {} : { key }),
      }),
    /** A host's move of one party, or a guest's own with its ticket. */
    move: (
      party: { id: string; ticket: string },
      move: string,
      as: string,
      key?: string,
      body?: object,
    ) =>
      call(
        'POST',
        guestMoves.includes(move)
          ? `/v1/tickets/${party.ticket}/${move}`
          : `/v1/parties/${party.id}/${move}`,
        {
          as,
          ...(body === undefined ? {} : { body }),
          ...(key === undefined ? {} : { key }),
        },
      ),
    /** A new account with a role in a venue. */
    async member(venueId: string, role: Role): Promise<string> {
      const userId = newId(clock);
      await db
        .insertInto('members')
        .values({
          venue_id: uuidToBytes(venueId),
          user_id: uuidToBytes(userId),
          role,
          since: clock.now(),
        })
        .execute();
      return userId;
    },
    /** Everyone of a line, page by page. */
    async listAll(queueId: string, as: string, query = '', limit = 100) {
      const parties: Party[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const { body } = await call(
          'GET',
          `/v1/queues/${queueId}/parties?limit=${limit}${query}${after}`,
          { as },
        );
        parties.push(...body.data);
        cursor = body.nextCursor;
      }
      return parties;
    },
    /** Writes parties straight into a line as if they had joined and gone on, thousands in no time. */
    async fill(queueId: string, parties: readonly FilledParty[]): Promise<void> {
      const queue = await rowOf(queueId);
      const now = clock.now();
      let { seq, tail_key } = queue;
      const rows = parties.map(({ name, state, size = 2, lane = 'regular' }, index) => {
        tail_key = keyBetween(tail_key, null);
        seq += 1;
        const id = uuidToBytes(newId(clock));
        const party: PartyRow = {
          queue_id: queue.id,
          id,
          number: queue.last_number + index + 1,
          lane: laneIndex(lane),
          order_key: tail_key,
          state,
          size,
          source: 'staff',
          seq,
          calls: state === 'waiting' ? 0 : 1,
          possible_duplicate: 0,
          almost_there: 0,
          snoozes: 0,
          joined_at: now,
          served_at: state === 'waiting' ? null : now,
          called_at: state === 'waiting' ? null : now,
          confirmed_at: null,
          seated_at: null,
          departed_at: null,
          ended_at: null,
        };
        return {
          party,
          personal: {
            queue_id: queue.id,
            party_id: id,
            name,
            name_key: name.toLowerCase(),
            email: null,
            email_key: null,
            phone: null,
            notes: null,
            locale: null,
          },
          event: {
            queue_id: queue.id,
            seq,
            id: uuidToBytes(newId(clock)),
            type: 'party.joined' as const,
            party_id: id,
            time: now,
            data: JSON.stringify({ party: partySnapshot(party) }),
            relay_at: now,
          },
        };
      });
      const count = (state: PartyState) => parties.filter((party) => party.state === state).length;
      await db.transaction().execute(async (trx) => {
        for (let from = 0; from < rows.length; from += 1_000) {
          const chunk = rows.slice(from, from + 1_000);
          await trx
            .insertInto('parties')
            .values(chunk.map(({ party }) => party))
            .execute();
          await trx
            .insertInto('personal')
            .values(chunk.map(({ personal }) => personal))
            .execute();
          await trx
            .insertInto('events')
            .values(chunk.map(({ event }) => event))
            .execute();
        }
        await trx
          .updateTable('queues')
          .set({
            seq,
            tail_key,
            last_number: queue.last_number + rows.length,
            waiting: queue.waiting + count('waiting'),
            called: queue.called + count('called'),
          })
          .where('id', '=', queue.id)
          .execute();
      });
      positionApp.skipTo(queueId, seq);
    },
    /** Does what follows the deletion of a venue, which has to have been announced. */
    async eraseDeleted(venueId: string): Promise<void> {
      const [row] = await eventsOf(venueId);
      assert.equal(row?.type, 'venue.deleted');
      await onVenueDeleted(deps)(toEvent(row) as EventOf<'venue.deleted'>);
    },
    /** Checks what has to hold of a line at any moment at which nobody changes it. */
    async assertSound(queueId: string): Promise<void> {
      const queue_id = uuidToBytes(queueId);
      const queue = await rowOf(queueId);
      const events = await eventsOf(queueId);
      assert.deepEqual(
        events.map(({ seq }) => seq),
        Array.from({ length: queue.seq }, (_, index) => index + 1),
        'sequence numbers without a gap',
      );
      const parties = await db
        .selectFrom('parties')
        .selectAll()
        .where('queue_id', '=', queue_id)
        .execute();
      const count = (state: string) => parties.filter((party) => party.state === state).length;
      assert.deepEqual(
        { waiting: queue.waiting, called: queue.called },
        { waiting: count('waiting'), called: count('called') },
        'counters equal to the rows',
      );
      const lastEvents = new Map(
        events.flatMap(({ party_id, data }) =>
          party_id === null ? [] : [[party_id.toString('hex'), JSON.parse(data).party]],
        ),
      );
      for (const party of parties) {
        assert.deepEqual(
          lastEvents.get(party.id.toString('hex')),
          partySnapshot(party),
          'the last event of a party says what its row says',
        );
      }
      const persons = await db
        .selectFrom('personal')
        .select('party_id')
        .where('queue_id', '=', queue_id)
        .execute();
      assert.equal(persons.length, parties.length, 'a row of personal data for each party');
    },
    /** An account with a venue and an open queue. */
    async openLine(queue: Record<string, unknown> = {}, venue: Record<string, unknown> = {}) {
      const owner = newId(clock);
      const { body: madeVenue } = await call('POST', '/v1/venues', {
        as: owner,
        body: { name: 'The Blue Door', timezone: 'Europe/Lisbon', ...venue },
      });
      const { body: madeQueue } = await call('POST', `/v1/venues/${madeVenue.id}/queues`, {
        as: owner,
        body: { name: 'Tables', ...queue },
      });
      return {
        owner,
        venueId: madeVenue.id as string,
        queueId: madeQueue.id as string,
        joinCode: madeQueue.joinCode as string,
      };
    },
    async stop() {
      await app.close();
      await Promise.all([position.close(), users.close()]);
      await positionApp.close();
      await userApp.close();
      await db.destroy();
      await database.drop();
    },
  };
}

type FilledParty = { name: string; state: PartyState; size?: number; lane?: Lane };

type CallOptions = {
  as?: string;
  body?: unknown;
  key?: string;
  headers?: Record<string, string>;
};

export type Answer = {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to find
  body: any;
  headers: Record<string, unknown>;
  raw: Buffer;
};

/** Whether somebody at work on this database asks for the lock of a row, while a test holds it: who does, waits. */
export async function isLockAskedFor(db: Database, table: 'venues' | 'queues'): Promise<boolean> {
  const { rows } = await sql<{ db: string; Info: string | null }>`SHOW FULL PROCESSLIST`.execute(
    db,
  );
  const own = await sql<{ name: string }>`SELECT DATABASE() AS name`.execute(db);
  const asks = new RegExp(`from \`?${table}\\b.*for update`, 'is');
  return rows.some((row) => row.db === own.rows[0]?.name && asks.test(row.Info ?? ''));
}

/** Checks that an answer is the problem of this code, and gives the paths of the fields it names. */
export function assertProblem(answer: Answer, code: ProblemCode): string[] {
  const { type, status, errors = [] } = answer.body ?? {};
  assert.equal(type, `${problemTypeBase}${code}`, JSON.stringify(answer.body));
  assert.equal(answer.status, problemTypes[code].status);
  assert.equal(status, answer.status);
  return errors.map(({ path }: { path: string }) => path);
}

export type QueueService = Awaited<ReturnType<typeof startQueueService>>;

async function startPositionUpstream() {
  const events: LineEvent[] = [];
  /** Those waiting, first to last. */
  const lines = new Map<string, Neighbour[]>();
  const lineOf = (queueId: string) => {
    const line = lines.get(queueId) ?? [];
    lines.set(queueId, line);
    return line;
  };
  const indexOf = (queueId: string, partyId: string) =>
    lineOf(queueId).findIndex((neighbour) => neighbour.partyId === partyId);
  const state = {
    isAway: false,
    /** Runs when neighbours have been read and not yet been sent. */
    beforeNeighboursLeave: async (): Promise<void> => undefined,
  };
  const app = createApp({ logger: testLogger, readiness: {}, internalCredential: testCredential });
  const placeOf = (queueId: string, partyId: string): Place | null => {
    const index = indexOf(queueId, partyId);
    if (index < 0) return null;
    const p50 = (index + 1) * 60;
    return {
      position: index + 1,
      estimate: { p10: p50 / 2, p50, p90: p50 * 2, model: 'test-1', asOf: testStart },
    };
  };
  /** The last event of each queue that was applied; calls may arrive out of order, as they do at the real one. */
  const appliedSeqs = new Map<string, number>();
  const failWhenAway = () => {
    if (!state.isAway) return;
    appliedSeqs.clear();
    throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
  };
  app.route(
    route(applyEvents, async ({ body }) => {
      failWhenAway();
      return {
        answers: body.events.map((event) => {
          const seq = seqOf(event);
          const appliedSeq = appliedSeqs.get(event.data.queueId) ?? seq;
          if (seq > appliedSeq + 1) return { outcome: 'pending' as const, place: null };
          appliedSeqs.set(event.data.queueId, Math.max(appliedSeq, seq));
          events.push(event);
          if (event.type === 'queue.changed') return { outcome: 'applied' as const, place: null };
          const { queueId } = event.data;
          const { partyId, state, lane, orderKey } = event.data.party;
          const line = lineOf(queueId);
          const index = indexOf(queueId, partyId);
          if (index >= 0) line.splice(index, 1);
          if (state === 'waiting') insertNeighbour(line, { lane, orderKey, partyId });
          return { outcome: 'applied' as const, place: placeOf(queueId, partyId) };
        }),
      };
    }),
  );
  app.route(
    route(getPlaces, async ({ params, body }) => {
      failWhenAway();
      return {
        seq: 0,
        waiting: lineOf(params.queueId).length,
        estimateIfJoined: { p10: 0, p50: 60, p90: 120, model: 'test-1', asOf: testStart },
        places: body.partyIds.map((partyId) => placeOf(params.queueId, partyId)),
      };
    }),
  );
  app.route(
    route(getNeighbours, async ({ params, body }) => {
      failWhenAway();
      const line = lineOf(params.queueId);
      const index = indexOf(params.queueId, body.partyId);
      const others = line.filter(({ partyId }) => partyId !== body.partyId);
      if (index < 0)
        return { seq: body.seq, from: null, position: null, before: null, behind: null };
      const wanted = 'position' in body.to ? body.to.position : index + 1 + body.to.places;
      const position = Math.min(wanted, line.length);
      const neighbours = {
        before: others[position - 2] ?? null,
        behind: others[position - 1] ?? null,
      };
      await state.beforeNeighboursLeave();
      return { seq: body.seq, from: index + 1, position, ...neighbours };
    }),
  );
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    events,
    state,
    /** Takes the events of a queue up to `seq` for applied: nobody sends them. */
    skipTo: (queueId: string, seq: number) => appliedSeqs.set(queueId, seq),
    close: () => app.close(),
  };
}

/** Puts a neighbour where it stands in the order of the line; thousands mostly join at its end. */
function insertNeighbour(line: Neighbour[], neighbour: Neighbour): void {
  const compare = (other: Neighbour) =>
    lanes.indexOf(neighbour.lane) - lanes.indexOf(other.lane) ||
    Buffer.compare(memberOf(neighbour), memberOf(other));
  let at = line.length;
  while (at > 0 && compare(line[at - 1] as Neighbour) < 0) at -= 1;
  line.splice(at, 0, neighbour);
}

function memberOf({ orderKey, partyId }: Neighbour): Buffer {
  return Buffer.concat([Buffer.from(orderKey, 'hex'), uuidToBytes(partyId)]);
}

/** The user service as far as venues need it. */
async function startUserUpstream() {
  const accounts = new Map<string, Account>();
  const state = { isAway: false };
  const app = createApp({ logger: testLogger, readiness: {}, internalCredential: testCredential });
  /** The last event of each queue that was applied; calls may arrive out of order, as they do at the real one. */
  const appliedSeqs = new Map<string, number>();
  const failWhenAway = () => {
    if (!state.isAway) return;
    appliedSeqs.clear();
    throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
  };
  app.route(
    route(getAccount, async ({ params }) => {
      failWhenAway();
      const account = accounts.get(params.userId);
      if (account === undefined) throw problems.notFound();
      return account;
    }),
  );
  app.route(
    route(getNames, async ({ body }) => {
      failWhenAway();
      return { names: body.userIds.map((id) => accounts.get(id)?.name ?? null) };
    }),
  );
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    state,
    /** Makes an account, or gives this id a name and an e-mail. */
    open(fields: { id?: string; name?: string; email?: string } = {}): Account {
      const id = fields.id ?? newId(systemClock);
      const account = {
        id,
        name: 'Ana Lima',
        email: `${id}@example.com`,
        locale: 'en',
        passwordVersion: 1,
        keptSessionId: null,
        ...fields,
      };
      accounts.set(id, account);
      return account;
    },
    forget: (id: string) => accounts.delete(id),
    close: () => app.close(),
  };
}
