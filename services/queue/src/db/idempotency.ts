import { createHash, createHmac } from 'node:crypto';
import type { FedEvent } from '@queue-manager/contracts/internal';
import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { problems } from '@queue-manager/service-kit/problems';
import { type Database, type DatabaseTransaction, inTransaction } from './database.ts';
import { sweepUntil } from './sweep-until.ts';
import type { IdempotencyTable } from './tables.ts';
import { insertRows } from './write-rows.ts';

/** How long an answer is kept. */
const keptMs = dayMs;

/** The result of a transaction and the events that it committed. */
export type Committed<T> = { result: T; events: FedEvent[] };

/** What identifies a request when it is repeated. */
export type IdempotentRequest = {
  /** The `Idempotency-Key`; null for a request without one. */
  key: string | null;
  /** The account, the ticket's party, or `public`. */
  caller: string;
  operationId: string;
  /** What the request is about: a queue, a party, a venue or an account. */
  target: Buffer;
  body: unknown;
};

/**
 * Runs `work` in one transaction, once per idempotency key. A repeat within 24 hours gets the first answer, changes
 * nothing and has no events. The result is stored as JSON, so it must hold no personal data.
 *
 * The key is written last, with the answer. A repeat therefore does the work again (it waits for the first request at
 * the row that `work` locks), violates the key's unique index and is rolled back. When `work` throws, everything is
 * rolled back, so the key can be used again.
 * Throws `idempotency-key-reused` when the key came with another body.
 */
export async function once<T>(
  deps: { db: Database; clock: Clock },
  request: IdempotentRequest,
  work: (trx: DatabaseTransaction) => Promise<Committed<T>>,
): Promise<Committed<T>> {
  const { key, target } = request;
  if (key === null) return inTransaction(deps.db, work);
  const row = {
    target_id: target,
    key_hash: createHash('sha256')
      .update(JSON.stringify([request.caller, request.operationId, key]))
      .digest(),
    // A plain hash of a name or phone number in the body could be guessed, so this one is keyed with the caller's own
    // key, which is not stored.
    body_hash: createHmac('sha256', key)
      .update(JSON.stringify(request.body ?? null))
      .digest(),
  };
  for (;;) {
    try {
      return await inTransaction(deps.db, async (trx) => {
        const done = await work(trx);
        const answer = JSON.stringify(done.result);
        await insertRows(trx, 'idempotency_keys', [
          { ...row, answer, created_at: deps.clock.now() },
        ]).catch(throwKeyTaken);
        return done;
      });
    } catch (error) {
      // The first request may have succeeded meanwhile and caused this error.
      const answer = await firstAnswer(deps, row);
      if (answer !== null) return { result: JSON.parse(answer) as T, events: [] };
      if (!(error instanceof KeyTaken)) throw error;
    }
  }
}

/** The answer stored under a key; null when there is none. Deletes one that has expired. */
async function firstAnswer(
  { db, clock }: { db: Database; clock: Clock },
  {
    target_id,
    key_hash,
    body_hash,
  }: Pick<IdempotencyTable, 'target_id' | 'key_hash' | 'body_hash'>,
): Promise<string | null> {
  const first = await db
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('target_id', '=', target_id)
    .where('key_hash', '=', key_hash)
    .executeTakeFirst();
  if (first === undefined) return null;
  if (first.created_at.getTime() <= clock.now().getTime() - keptMs) {
    await db
      .deleteFrom('idempotency_keys')
      .where('target_id', '=', target_id)
      .where('key_hash', '=', key_hash)
      .where('created_at', '=', first.created_at)
      .execute();
    return null;
  }
  if (!first.body_hash.equals(body_hash)) throw problems.idempotencyKeyReused();
  return first.answer;
}

class KeyTaken extends Error {
  override readonly name = 'KeyTaken';
}

function throwKeyTaken(error: unknown): never {
  throw (error as { code?: unknown }).code === 'ER_DUP_ENTRY' ? new KeyTaken() : error;
}

/** Deletes a batch of expired answers; returns how many. */
export function sweepIdempotencyKeys({ db, clock }: { db: Database; clock: Clock }) {
  const until = new Date(clock.now().getTime() - keptMs);
  return sweepUntil(db, 'idempotency_keys', 'created_at', until);
}
