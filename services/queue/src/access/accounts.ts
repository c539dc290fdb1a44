import { problems } from '@queue-manager/service-kit/problems';
import type { DatabaseTransaction } from '../db/database.ts';

/*
 * An account is the user service's. Here stands only whether it was deleted, in a row that whoever makes an
 * account a member locks first: an access token outlives its account by some minutes, and a deletion may
 * arrive in the middle of a request.
 */

/** Holds off the deletion of an account until this transaction ends. Throws `unauthenticated` when it came before. */
export async function lockAccount(trx: DatabaseTransaction, userId: Buffer): Promise<void> {
  // Takes the row's exclusive lock also where it is there already. INSERT IGNORE would share it, and all but one
  // of several requests of an account would deadlock on the way to their own.
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

/** Notes that an account was deleted; waits for those who hold that off. */
export async function noteDeletedAccount(
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
