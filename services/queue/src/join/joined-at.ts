import type { Actor } from '@queue-manager/contracts/events';
import { limits } from '@queue-manager/contracts/values';
import type { Clock } from '@queue-manager/service-kit/clock';
import { hourMs } from '@queue-manager/service-kit/durations';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { invalidField, problems } from '@queue-manager/service-kit/problems';
import { sql } from 'kysely';
import type { Database } from '../db/database.ts';
import { sweepUntil } from '../db/sweep-until.ts';
import type { PartyRow } from '../db/tables.ts';
import type { Line } from '../line/line.ts';
import { keyInFrontOf } from '../line/place-between.ts';

/*
 * Parties that joined while a stand had no network, and are added when it is back. Staff say when; how far back, and how
 * often, is limited, since it puts a party in front of others.
 */

/** When a party joined if that was in the past; null if it joins now. Throws when the time is not allowed. */
export function pastJoin({ now, queue }: Line, joinedAt: Date | undefined): Date | null {
  if (joinedAt === undefined) return null;
  const agoMs = now.getTime() - joinedAt.getTime();
  const skewMs = limits.joinedAtSkewSeconds * 1_000;
  if (agoMs < -skewMs) throw invalidField('joinedAt', 'must not be in the future');
  if (agoMs <= skewMs) return null;
  if (agoMs > limits.joinedAtHoursMax * hourMs) {
    throw invalidField('joinedAt', `must be at most ${limits.joinedAtHoursMax} hours ago`);
  }
  if (joinedAt < queue.created_at) {
    throw invalidField('joinedAt', 'must not be before the queue was created');
  }
  return joinedAt;
}

/**
 * Counts a party that joined in the past against the limit of the account. Throws `too-many-requests` when the last hour is
 * used up. Two lines at once may exceed the limit by a few: each holds only its own lock.
 */
export async function limitPastJoins({ trx, now }: Line, actor: Actor, partyId: Buffer) {
  if (actor.userId === undefined) throw new Error('Only staff date a party back');
  const user_id = uuidToBytes(actor.userId);
  const max = limits.backdatedOfHourMax;
  const oldest = await trx
    .selectFrom('backdated_joins')
    .select('added_at')
    .where('user_id', '=', user_id)
    .where('added_at', '>', new Date(now.getTime() - hourMs))
    .orderBy('added_at', 'desc')
    .offset(max - 1)
    .limit(1)
    .executeTakeFirst();
  if (oldest !== undefined) {
    const waitMs = oldest.added_at.getTime() + hourMs - now.getTime();
    throw problems.tooManyRequests({
      detail: `You can add up to ${max} parties in an hour that joined earlier.`,
      retryAfterSeconds: Math.ceil(waitMs / 1_000),
    });
  }
  await trx
    .insertInto('backdated_joins')
    .values({ user_id, party_id: partyId, added_at: now })
    .execute();
}

/** Deletes a batch of records that count no more; returns how many. */
export function sweepBackdatedJoins({ db, clock }: { db: Database; clock: Clock }) {
  return sweepUntil(db, 'backdated_joins', 'added_at', new Date(clock.now().getTime() - hourMs));
}

/**
 * The order key of a party that joined in the past: directly in front of the first waiting party of its lane that joined
 * later and stands where it joined. Moved parties keep their places, so they do not count. Null if nobody joined later:
 * then it stands at the end.
 *
 * Reads only the parties that joined since, along `parties_joined`. Where a party joined is on its first event.
 */
export async function keyOfPastJoin(
  line: Line,
  party: Pick<PartyRow, 'id' | 'lane'>,
  joinedAt: Date,
): Promise<Buffer | null> {
  const { trx, queue } = line;
  const { rows } = await sql<{ order_key: Buffer }>`
    SELECT p.order_key FROM parties AS p FORCE INDEX (parties_joined)
    WHERE p.queue_id = ${queue.id} AND p.joined_at > ${joinedAt}
      AND p.state = 'waiting' AND p.lane = ${party.lane}
      AND EXISTS (
        SELECT 1 FROM events AS e FORCE INDEX (events_party)
        WHERE e.queue_id = p.queue_id AND e.party_id = p.id AND e.type = 'party.joined'
          AND UNHEX(JSON_VALUE(e.data, '$.party.orderKey')) = p.order_key)
    ORDER BY p.order_key, p.id LIMIT 1`.execute(trx);
  const [behind] = rows;
  if (behind === undefined) return null;
  return keyInFrontOf(line, party, { lane: party.lane, order_key: behind.order_key });
}
