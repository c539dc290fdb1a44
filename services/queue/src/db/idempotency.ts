import { createHash, createHmac } from 'node:crypto';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { problems } from '@queue-manager/service-kit/problems';
import { type Database, type DatabaseTransaction, inTransaction } from './database.ts';

/** How long an answer is kept. */
const keptMs = dayMs;

/** What a transaction returned, and the events it committed. */
export type Committed<T> = { result: T; events: LineEvent[] };

/** What makes two requests the same one. */
export type Repeatable = {
  /** The `Idempotency-Key`; null for a request that is never a repeat. */
  key: string | null;
  /** The account, or the ticket's party, or `public`. */
  caller: string;
  operationId: string;
  /** What the request is about: a queue, a party, a venue or an account. */
  target: Buffer;
  body: unknown;
};

const duplicateEntry = 'ER_DUP_ENTRY';

/**
 * Does the work of a request in one transaction, once for each idempotency key: a repeat within 24 hours gets
 * the first answer without doing anything, and waits for it when the first is still at work. What `work`
 * gives as its result is stored as JSON and must hold no personal data; a repeat has no events. An error
 * leaves the key free.
 * Throws `idempotency-key-reused` when the key came with another body.
 */
export async function once<T>(
  deps: { db: Database; clock: Clock },
  request: Repeatable,
  work: (trx: DatabaseTransaction) => Promise<Committed<T>>,
): Promise<Committed<T>> {
  const { key } = request;
  if (key === null) {
    return inTransaction(deps.db, work);
  }
  const keyHash = createHash('sha256')
    .update(JSON.stringify([request.caller, request.operationId, key]))
    .digest();
  // Keyed by the caller's own secret, which is not stored: a body may hold a name or a phone number, and a
  // plain digest of one can be guessed.
  const bodyHash = createHmac('sha256', key)
    .update(JSON.stringify(request.body ?? null))
    .digest();

  for (;;) {
    try {
      return await inTransaction(deps.db, async (trx) => {
        // Claimed first: a concurrent repeat waits here until this transaction has ended.
        await trx
          .insertInto('idempotency_keys')
          .values({
            target_id: request.target,
            key_hash: keyHash,
            body_hash: bodyHash,
            answer: null,
            created_at: deps.clock.now(),
          })
          .execute()
          .catch(refuseTakenKey);
        const done = await work(trx);
        await trx
          .updateTable('idempotency_keys')
          .set({ answer: JSON.stringify(done.result) })
          .where('target_id', '=', request.target)
          .where('key_hash', '=', keyHash)
          .execute();
        return done;
      });
    } catch (error) {
      if (!(error instanceof TakenKey)) throw error;
    }

    const first = await deps.db
      .selectFrom('idempotency_keys')
      .selectAll()
      .where('target_id', '=', request.target)
      .where('key_hash', '=', keyHash)
      .executeTakeFirst();
    // The first one failed after all, or was swept away: this one is now the first.
    if (first === undefined) continue;
    if (first.created_at.getTime() <= deps.clock.now().getTime() - keptMs) {
      await deps.db
        .deleteFrom('idempotency_keys')
        .where('target_id', '=', request.target)
        .where('key_hash', '=', keyHash)
        .where('created_at', '=', first.created_at)
        .execute();
      continue;
    }
    if (!first.body_hash.equals(bodyHash)) throw problems.idempotencyKeyReused();
    return { result: JSON.parse(first.answer as string) as T, events: [] };
  }
}

class TakenKey extends Error {
  override readonly name = 'TakenKey';
}

function refuseTakenKey(error: unknown): never {
  throw (error as { code?: unknown }).code === duplicateEntry ? new TakenKey() : error;
}

/** Deletes answers past their day, a few at a time; gives back how many. */
export async function sweepIdempotencyKeys(deps: { db: Database; clock: Clock }): Promise<number> {
  const { numDeletedRows } = await deps.db
    .deleteFrom('idempotency_keys')
    .where('created_at', '<=', new Date(deps.clock.now().getTime() - keptMs))
    .orderBy('created_at')
    .limit(1_000)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
