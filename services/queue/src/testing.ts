import assert from 'node:assert/strict';
import type { EventOf } from '@queue-manager/contracts/events';
import type { Party } from '@queue-manager/contracts/parties';
import type { Role } from '@queue-manager/contracts/venues';
import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { freshDatabase, testCredential, testLogger } from '@queue-manager/service-kit/testing';
import { createTicketCodec } from '@queue-manager/service-kit/tickets';
import type { InjectOptions } from 'fastify';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createInvitationTokens } from './access/invitation-tokens.ts';
import { createUnsubscribeTokens } from './access/unsubscribe-tokens.ts';
import { createQueueApp } from './app.ts';
import { migrate, openDatabase } from './db/database.ts';
import type { Deps } from './deps.ts';
import { createJoinGate } from './join/admit-party.ts';
import { createKeyedMutex } from './line/keyed-mutex.ts';
import { createLineGate } from './line/line.ts';
import { toEvent } from './line/line-event.ts';
import { createLineFeed } from './line/line-feed.ts';
import { createQuotes } from './line/quotes.ts';
import { createListGate } from './list-gate.ts';
import { createReportGates } from './reports/report-gates.ts';
import { onVenueDeleted } from './retention/on-venue-deleted.ts';
import { queueDelete } from './tasks/kinds/queue-delete.ts';
import type { Answer, CallOptions } from './testing/answers.ts';
import { startFakePositionService } from './testing/fake-position-service.ts';
import { startFakeUserService } from './testing/fake-user-service.ts';
import { type FilledParty, fillLine } from './testing/fill-line.ts';
import { assertLineSound, eventRows, queueRow } from './testing/line-rows.ts';

export { type Answer, assertProblem } from './testing/answers.ts';
export { isLockAskedFor } from './testing/line-rows.ts';

/** Moves a guest makes with its ticket; staff make the others. */
const guestMoves = ['confirm', 'leave', 'snooze'];

/** When every test clock starts: an evening in Lisbon. */
export const testStart = new ManualClock().now().toISOString();
export const publicUrl = 'http://queue.test';
export const accountUrl = 'http://backoffice.test';

/**
 * The fixture of the room tests: the queue service on a fresh database, with fakes of the position service
 * (`positionApp.events` lists what it received) and the user service (`userApp.open` creates accounts).
 */
export async function startQueueService(options: { poolSize?: number } = {}) {
  const database = await freshDatabase();
  const db = openDatabase({ url: database.url, poolSize: options.poolSize ?? 20 });
  await migrate(db);
  const clock = new ManualClock();
  clock.set(testStart);
  const positionApp = await startFakePositionService();
  const position = createInternalClient({ baseUrl: positionApp.url, credential: testCredential });
  const userApp = await startFakeUserService();
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
    unsubscribeTokens: createUnsubscribeTokens(Buffer.alloc(32, 8).toString('base64url')),
    publicUrl,
    position,
    users,
    // A long budget: on a slow machine too, answers hold the place from the position service.
    feed: createLineFeed({
      position,
      logger: testLogger,
      relay: { wake() {}, delivered() {} },
      onCommitted: () => {},
      budgetMs: 15_000,
    }),
    quotes: createQuotes(db, testLogger),
    lines: createLineGate(),
    joins: createJoinGate(),
    lists: createListGate(),
    ...createReportGates(),
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

  /** An access token that is valid at the test clock's time. Cached: signing takes most of a call's time. */
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

  return {
    app,
    call,
    clock,
    databaseUrl: database.url,
    db,
    deps,
    eventsOf: (queueId: string) => eventRows(db, queueId),
    headersOf,
    positionApp,
    userApp,
    rowOf: (queueId: string) => queueRow(db, queueId),
    /** Adds a party as staff. */
    add: (queueId: string, as: string, body: object = {}, key?: string) =>
      call('POST', `/v1/queues/${queueId}/parties`, {
        as,
        body: { name: 'Ana Lima', ...body },
        ...(key === undefined ? {} : { key }),
      }),
    /** Joins as a guest. */
    join: (joinCode: string, body: object = {}, key?: string) =>
      call('POST', `/v1/join/${joinCode}`, {
        body: { name: 'Rui Gomes', ...body },
        ...(key === undefined ? {} : { key }),
      }),
    /** Moves a party: as staff, or as the guest with its ticket for a guest's move. */
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
    /** Creates an account with a role in a venue; returns its id. */
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
    /** Lists all parties of a queue, page by page. */
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
    /** Inserts parties without the API, for tests that need thousands. */
    async fill(queueId: string, parties: readonly FilledParty[]): Promise<void> {
      positionApp.skipTo(queueId, await fillLine(deps, queueId, parties));
    },
    /** Runs the tasks that remove the parties of a venue's deleted queues, and leaves them as they were. */
    async clearDeleted(venueId: string): Promise<void> {
      const tasks = await db
        .selectFrom('tasks')
        .selectAll()
        .where('venue_id', '=', uuidToBytes(venueId))
        .where('kind', '=', queueDelete.kind)
        .execute();
      for (const { kind, id, queue_id, payload } of tasks) {
        await queueDelete.handle(deps, {
          task: { venueId, taskId: bytesToUuid(id), attempt: 1 },
          kind,
          queueId: queue_id && bytesToUuid(queue_id),
          partyId: null,
          payload: JSON.parse(payload),
        });
      }
    },
    /** Handles the `venue.deleted` event of a deleted venue, as if its tasks had been handed out and were done. */
    async eraseDeleted(venueId: string): Promise<void> {
      await this.clearDeleted(venueId);
      await db
        .deleteFrom('tasks')
        .where('venue_id', '=', uuidToBytes(venueId))
        .where('state', '=', 'scheduled')
        .execute();
      const [row] = await eventRows(db, venueId);
      assert.equal(row?.type, 'venue.deleted');
      await onVenueDeleted(deps)(toEvent(row) as EventOf<'venue.deleted'>);
    },
    /** Asserts the invariants of a queue that nothing is changing at the moment. */
    assertSound: (queueId: string) => assertLineSound(db, queueId),
    /** Creates an owner with a venue and an open queue. */
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

export type QueueService = Awaited<ReturnType<typeof startQueueService>>;
