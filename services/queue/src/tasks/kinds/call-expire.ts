import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { Problem } from '@queue-manager/service-kit/problems';
import { z } from 'zod';
import { inTransaction } from '../../db/database.ts';
import type { PartyRow } from '../../db/tables.ts';
import { lockLine } from '../../line/line.ts';
import type { WorkKind } from '../kind.ts';

const Payload = z.object({
  /** Which call of the party this is the end of. */
  calls: z.int(),
  /** Whether the guest had said that it is on its way, which makes the call end later. */
  confirmed: z.boolean().default(false),
});

/**
 * A call that nobody answered in time becomes a no-show. The party is looked at under the line's lock: one
 * that was seated, left or was called again meanwhile is left alone, so doing it twice changes nothing.
 *
 * A look without the lock goes first and spares the line most of the rest: a call that is over stays over,
 * since another call of the same party has another number.
 */
export const callExpire = {
  kind: 'call.expire',
  destination: 'tasks',
  async handle(deps, { queueId, partyId, payload }) {
    const { calls, confirmed } = Payload.parse(payload);
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
      const events = await inTransaction(deps.db, async (trx) => {
        const line = await lockLine(deps, trx, queue);
        const party = await line.party(id);
        if (!isUnanswered(party)) return [];
        await line.move(
          party,
          'noShow',
          { kind: 'system' },
          { reason: 'The call was not answered' },
        );
        return line.write();
      });
      await deps.feed.committed(events);
    } catch (error) {
      // The queue was deleted, and with it everyone's call.
      if (error instanceof Problem && error.code === 'not-found') return;
      throw error;
    }
  },
} as const satisfies WorkKind;
