import { createSqsClient } from '@queue-manager/events/client';
import { createPublisher } from '@queue-manager/events/publish';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { testCredential, testLogger } from '@queue-manager/service-kit/testing';
import { createTicketCodec } from '@queue-manager/service-kit/tickets';
import { createInvitationTokens } from '../access/invitation-tokens.ts';
import { createUnsubscribeTokens } from '../access/unsubscribe-tokens.ts';
import { createQueueApp } from '../app.ts';
import { openDatabase } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { createJoinGate } from '../join/admit-party.ts';
import { createKeyedMutex } from '../line/keyed-mutex.ts';
import { createLineGate } from '../line/line.ts';
import type { StoredEvent } from '../line/line-event.ts';
import { createQuotes } from '../line/quotes.ts';
import { createListGate } from '../list-gate.ts';
import { createReportGates } from '../reports/report-gates.ts';

/**
 * The queue service as `main.ts` composes it, except that `onCommit` replaces the feed to the position service:
 * only delivery through the outbox is measured. Every call is made by the same owner.
 */
export async function openBenchService(options: {
  url: string;
  prefix: string;
  onCommit?: (events: readonly StoredEvent[]) => void;
}) {
  const { url, prefix, onCommit } = options;
  const db = openDatabase({ url, poolSize: 50 });
  const sqs = createSqsClient();
  const clock = systemClock;
  const unused = createInternalClient({
    baseUrl: 'http://127.0.0.1:9',
    credential: testCredential,
  });
  const ticketKeys = [{ id: 1, secret: Buffer.alloc(32, 7).toString('base64url') }];
  const owner = newId(clock);
  const deps: Deps = {
    db,
    clock,
    logger: testLogger,
    tickets: createTicketCodec(ticketKeys),
    invitationTokens: createInvitationTokens(ticketKeys),
    unsubscribeTokens: createUnsubscribeTokens(Buffer.alloc(32, 8).toString('base64url')),
    publicUrl: 'http://bench.invalid',
    position: unused,
    users: unused,
    feed: {
      async committed(events) {
        onCommit?.(events);
        return null;
      },
    },
    quotes: createQuotes(db, testLogger),
    lines: createLineGate(),
    joins: createJoinGate(),
    lists: createListGate(),
    ...createReportGates(),
    repeats: createKeyedMutex(),
    wakeDispatcher: () => {},
    verifyAccessToken: async () => ({
      iss: 'queue-manager',
      aud: 'queue-manager',
      sub: owner,
      sid: owner,
      iat: 0,
      exp: Number.MAX_SAFE_INTEGER,
    }),
    internalCredential: testCredential,
  };
  const app = createQueueApp(deps, {});
  await app.ready();

  return {
    db,
    sqs,
    prefix,
    deps,
    publisher: createPublisher({ sqs, prefix }),
    /** Calls a POST route and returns the id in its answer. */
    async post(path: string, payload: object = {}): Promise<string> {
      const headers = { authorization: 'Bearer bench' };
      const answer = await app.inject({ method: 'POST', url: path, headers, payload });
      if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${answer.body}`);
      return answer.json().id;
    },
    async close(): Promise<void> {
      await app.close();
      await unused.close();
      await db.destroy();
      sqs.destroy();
    },
  };
}
