import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { isProblem } from '@queue-manager/service-kit/problems';
import { sql } from 'kysely';
import { z } from 'zod';
import { type DatabaseTransaction, inTransaction } from '../../db/database.ts';
import type { PartyRow } from '../../db/tables.ts';
import { lockLine } from '../../line/line.ts';
import type { WorkKind } from '../kind.ts';

const Payload = z.object({
  /** The number of the party's call that expires. */
  calls: z.int(),
  /** Whether this is the later expiry of a call that the guest confirmed. */
  confirmed: z.boolean().default(false),
  /** Sequence number of the queue when it was scheduled. */
  seq: z.int().default(0),
});

/** Whether the party has a timer of a later change: a call that was taken back gives its number to the next one. */
async function hasLaterTimer(trx: DatabaseTransaction, id: Buffer, seq: number): Promise<boolean> {
  const { rows } = await sql<{ payload: string }>`
    SELECT payload FROM tasks FORCE INDEX (tasks_party)
    WHERE party_id = ${id} AND kind = 'call.expire'`.execute(trx);
  return rows.some(({ payload }) => Payload.parse(JSON.parse(payload)).seq > seq);
}

/**
 * Turns an unanswered call into a no-show. Checks the party under the queue's lock and leaves it alone if it was seated,
 * left or was called again meanwhile, so it is idempotent.
 *
 * A first check without the lock spares the queue most of these locks. It is safe, since an answered call stays
 * answered: the next call of the party has another number.
 */
export const callExpire = {
  kind: 'call.expire',
  destination: 'tasks',
  async handle(deps, { queueId, partyId, payload }) {
    const { calls, confirmed, seq } = Payload.parse(payload);
    if (queueId === null || partyId === null) throw new Error('call.expire names no party');
    const [queue, id] = [uuidToBytes(queueId), uuidToBytes(partyId)];
    const isUnanswered = (party: Pick<PartyRow, 'state' | 'calls' | 'confirmed_at'> | undefined) =>
      party?.state === 'called' &&
      party.calls === calls &&
      (party.confirmed_at !== null) === confirmed;

    const seen = await deps.db
      .selectFrom('parties')
      .select(['state', 'calls', 'confirmed_at'])
      .where('queue_id', '=', queue)
      .where('id', '=', id)
      .executeTakeFirst();
    if (!isUnanswered(seen)) return;
    try {
      const events = await deps.lines.run(
        queueId,
        () =>
          inTransaction(deps.db, async (trx) => {
            const line = await lockLine(deps, trx, queue);
            const party = await line.party(id);
            if (!isUnanswered(party) || (await hasLaterTimer(trx, id, seq))) return [];
            await line.move(
              party,
              'noShow',
              { kind: 'system' },
              { reason: 'The call was not answered' },
            );
            return line.write();
          }),
        { isPatient: true },
      );
      await deps.feed.committed(events);
    } catch (error) {
      // The queue was deleted, and with it everyone's call.
      if (isProblem(error, 'not-found')) return;
      throw error;
    }
  },
} as const satisfies WorkKind;
