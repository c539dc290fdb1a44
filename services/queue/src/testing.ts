import {
  applyEvents,
  getPlaces,
  type LineEvent,
  type Place,
} from '@queue-manager/contracts/internal';
import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import { newId } from '@queue-manager/service-kit/ids';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { route } from '@queue-manager/service-kit/route';
import { freshDatabase, testCredential, testLogger } from '@queue-manager/service-kit/testing';
import { createTicketCodec } from '@queue-manager/service-kit/tickets';
import type { InjectOptions } from 'fastify';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createQueueApp } from './app.ts';
import { migrate, openDatabase } from './database.ts';
import type { Deps } from './deps.ts';
import { createLineFeed } from './line-feed.ts';
import { createQuotes } from './quotes.ts';

/** A Friday evening in Lisbon. */
export const testStart = '2026-11-20T20:00:00.000Z';
export const publicUrl = 'http://queue.test';

/**
 * The queue service on a database of its own. The position service beyond it is played by an app that keeps
 * the number waiting by the events it is given; `positionApp.events` shows what arrived.
 */
export async function startQueueService() {
  const database = await freshDatabase();
  const db = openDatabase({ url: database.url, poolSize: 20 });
  await migrate(db);
  const clock = new ManualClock(testStart);
  const positionApp = await startPositionUpstream();
  const position = createInternalClient({ baseUrl: positionApp.url, credential: testCredential });
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] });
  const deps: Deps = {
    db,
    clock,
    logger: testLogger,
    tickets: createTicketCodec([{ id: 1, secret: Buffer.alloc(32, 7).toString('base64url') }]),
    publicUrl,
    position,
    feed: createLineFeed({ position, logger: testLogger, wakeRelay: () => {} }),
    quotes: createQuotes(db, testLogger),
    verifyAccessToken: createAccessTokenVerifier({
      authServiceUrl: 'http://auth.test',
      clock,
      keys,
    }),
    internalCredential: testCredential,
  };
  const app = createQueueApp(deps, {});
  await app.ready();

  async function signIn(userId = newId(clock)) {
    const seconds = Math.floor(clock.now().getTime() / 1_000);
    const token = await new SignJWT({ sid: newId(clock) })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .setIssuer('queue-manager')
      .setAudience('queue-manager')
      .setSubject(userId)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + 900)
      .sign(privateKey);
    return { userId, headers: { authorization: `Bearer ${token}` } };
  }

  /** Calls the service; the token is made anew at every call, since a test's clock may have moved on. */
  async function call(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    options: { as?: string; body?: unknown; key?: string; headers?: Record<string, string> } = {},
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to find
  ): Promise<{ status: number; body: any; headers: Record<string, unknown>; raw: Buffer }> {
    const answer = await app.inject({
      method,
      url,
      headers: {
        ...(options.as === undefined ? {} : (await signIn(options.as)).headers),
        ...(options.key === undefined ? {} : { 'idempotency-key': options.key }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { payload: options.body as object }),
    } as InjectOptions);
    const isJson = String(answer.headers['content-type'] ?? '').includes('json');
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
    db,
    deps,
    positionApp,
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
      await position.close();
      await positionApp.close();
      await db.destroy();
      await database.drop();
    },
  };
}

export type QueueService = Awaited<ReturnType<typeof startQueueService>>;

async function startPositionUpstream() {
  const events: LineEvent[] = [];
  const lines = new Map<string, Set<string>>();
  const lineOf = (queueId: string) => {
    const line = lines.get(queueId) ?? new Set();
    lines.set(queueId, line);
    return line;
  };
  const state = { isAway: false };
  const app = createApp({ logger: testLogger, readiness: {}, internalCredential: testCredential });
  const placeOf = (queueId: string, partyId: string): Place | null => {
    const index = [...lineOf(queueId)].indexOf(partyId);
    if (index < 0) return null;
    const p50 = (index + 1) * 60;
    return {
      position: index + 1,
      estimate: { p10: p50 / 2, p50, p90: p50 * 2, model: 'test-1', asOf: testStart },
    };
  };
  const failWhenAway = () => {
    if (state.isAway) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
  };
  app.route(
    route(applyEvents, async ({ body }) => {
      failWhenAway();
      return {
        answers: body.events.map((event) => {
          events.push(event);
          if (event.type === 'queue.changed') return { outcome: 'applied' as const, place: null };
          const { queueId } = event.data;
          const { partyId, state } = event.data.party;
          const line = lineOf(queueId);
          if (state === 'waiting') line.add(partyId);
          else line.delete(partyId);
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
        waiting: lineOf(params.queueId).size,
        estimateIfJoined: { p10: 0, p50: 60, p90: 120, model: 'test-1', asOf: testStart },
        places: body.partyIds.map((partyId) => placeOf(params.queueId, partyId)),
      };
    }),
  );
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, events, state, close: () => app.close() };
}
