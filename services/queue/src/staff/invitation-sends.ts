import { limits } from '@queue-manager/contracts/values';
import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { problems } from '@queue-manager/service-kit/problems';
import type { Database, DatabaseTransaction } from '../db/database.ts';
import { sweepUntil } from '../db/sweep-until.ts';

/*
 * The invitation mails that an account sent, to limit them per day. Stored apart from invitations, which are deleted
 * when revoked or replaced, and counted over all venues, which any account may create: otherwise one account could
 * mail any number of strangers. The recipients are not stored.
 */

type Send = { user_id: Buffer; id: Buffer; sent_at: Date };

/**
 * Records a mail. The caller must hold the account's lock, so that concurrent sends are counted. Throws
 * `too-many-requests` when the last 24 hours are used up; it ends when the oldest mail is a day old.
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
    const waitMs = oldest.sent_at.getTime() + dayMs - now;
    throw problems.tooManyRequests({
      detail: `You can send up to ${max} invitations in 24 hours across all your venues.`,
      retryAfterSeconds: Math.ceil(waitMs / 1_000),
    });
  }
  await trx.insertInto('invitation_sends').values(send).execute();
}

/** Deletes the records of an account. */
export async function deleteSendsOf(trx: DatabaseTransaction, userId: Buffer): Promise<void> {
  await trx.deleteFrom('invitation_sends').where('user_id', '=', userId).execute();
}

/** Deletes a batch of records that are older than a day; returns how many. */
export function sweepInvitationSends({ db, clock }: { db: Database; clock: Clock }) {
  return sweepUntil(db, 'invitation_sends', 'sent_at', new Date(clock.now().getTime() - dayMs));
}
