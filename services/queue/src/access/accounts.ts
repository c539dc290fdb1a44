import { problems } from '@queue-manager/service-kit/problems';
import type { DatabaseTransaction } from '../db/database.ts';

/*
 * The user service owns accounts. The table here records only which were deleted, because an access token
 * outlives its account by minutes. Code that makes an account a member locks its row first, so that a deletion
 * cannot arrive in the middle.
 */

/** Blocks the deletion of an account until this transaction ends. Throws `unauthenticated` if already deleted. */
export async function lockAccount(trx: DatabaseTransaction, userId: Buffer): Promise<void> {
  // Takes an exclusive lock also on an existing row. INSERT IGNORE would take a shared one, and concurrent
  // requests of one account would deadlock when upgrading it.
  await trx
    .insertInto('accounts')
    .values({ user_id: userId, deleted_at: null })
    .onDuplicateKeyUpdate({ user_id: userId })
    .execute();
  const account = await trx
    .selectFrom('accounts')
    .select('deleted_at')
    .where('user_id', '=', userId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (account.deleted_at !== null) {
    throw problems.unauthenticated({ detail: 'This account has been deleted.' });
  }
}

/** Records the deletion of an account; waits for transactions that hold its lock. */
export async function markAccountDeleted(
  trx: DatabaseTransaction,
  userId: Buffer,
  now: Date,
): Promise<void> {
  await trx
    .insertInto('accounts')
    .values({ user_id: userId, deleted_at: now })
    .onDuplicateKeyUpdate({ deleted_at: now })
    .execute();
}
