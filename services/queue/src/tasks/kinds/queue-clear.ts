import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { atHalfTime } from '@queue-manager/service-kit/limits/half-time';
import { isProblem } from '@queue-manager/service-kit/problems';
import { z } from 'zod';
import { inTransaction } from '../../db/database.ts';
import { lockLine } from '../../line/line.ts';
import { reasonOfClosing, removeSlice } from '../../line/remove-slice.ts';
import type { WorkKind } from '../kind.ts';

const Payload = z.object({
  userId: z.uuid(),
  /** Sequence number of the queue when it was closed. */
  seq: z.int(),
});

/**
 * Removes those who still wait in a queue that was closed with `expireWaiting`, slice by slice. Whoever joined or
 * changed since is spared, so it may run twice, also after the queue has been opened again.
 */
export const queueClear = {
  kind: 'queue.clear',
  destination: 'tasks',
  async handle(deps, { queueId, payload }) {
    const { userId, seq } = Payload.parse(payload);
    if (queueId === null) throw new Error('queue.clear names no queue');
    const actor = { kind: 'staff', userId } as const;
    const removeNext = () =>
      inTransaction(deps.db, async (trx) => {
        const line = await lockLine(deps, trx, uuidToBytes(queueId));
        const options = { reason: reasonOfClosing, untilSeq: seq };
        const hasMore = await removeSlice(line, 'waiting', actor, options);
        return { hasMore, events: await line.write() };
      });
    try {
      for (let hasMore = true; hasMore; ) {
        hasMore = await atHalfTime(async () => {
          const slice = await deps.lines.run(queueId, removeNext, { isPatient: true });
          await deps.feed.committed(slice.events);
          return slice.hasMore;
        });
      }
    } catch (error) {
      // The queue was deleted, and with it everybody in it.
      if (!isProblem(error, 'not-found')) throw error;
    }
  },
} as const satisfies WorkKind;
