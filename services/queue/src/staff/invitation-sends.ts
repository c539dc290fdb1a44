import { limits } from '@queue-manager/contracts/values';
import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { problems } from '@queue-manager/service-kit/problems';
import type { Database, DatabaseTransaction } from '../db/database.ts';

/*
 * How often an account had a mail sent by inviting. Counted apart from the invitations, which revoking and
 * replacing delete, and over all venues, of which anybody may make as many as it likes: else one account could
 * mail any number of strangers. Whom it invited is not kept.
 */

type Send = { user_id: Buffer; id: Buffer; sent_at: Date };

/**
 * Counts a mail; the caller holds the lock of the account, so that no other is counted at the same time.
 * Throws `too-many-requests`, until the oldest of the last day's is a day old.
 */
export async function countSend(trx: DatabaseTransaction, send: Send): Promise<void> {
  const now = send.sent_at.getTime();
  const max = limits.invitationsOfDayMax;
  const sends = await trx
    .selectFrom('invitation_sends')
    .select('sent_at')
    .where('user_id', '=', send.user_id)
    .where('sent_at', '>', new Date(now - dayMs))
    .orderBy('sent_at', 'desc')
    .limit(max)
    .execute();
  const oldest = sends[max - 1];
  if (oldest !== undefined) {
    const untilThen = oldest.sent_at.getTime() + dayMs - now;
    throw problems.tooManyRequests({
      detail: `You can send up to ${max} invitations in 24 hours across all your venues.`,
      retryAfterSeconds: Math.ceil(untilThen / 1_000),
    });
  }
  await trx.insertInto('invitation_sends').values(send).execute();
}

/** Forgets what an account sent. */
export async function deleteSendsOf(trx: DatabaseTransaction, userId: Buffer): Promise<void> {
  await trx.deleteFrom('invitation_sends').where('user_id', '=', userId).execute();
}

/** Deletes what does not count any more, a part at a time; gives back how many. */
export async function sweepInvitationSends(deps: { db: Database; clock: Clock }): Promise<number> {
  const { numDeletedRows } = await deps.db
    .deleteFrom('invitation_sends')
    .where('sent_at', '<=', new Date(deps.clock.now().getTime() - dayMs))
    .orderBy('sent_at')
    .limit(1_000)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
