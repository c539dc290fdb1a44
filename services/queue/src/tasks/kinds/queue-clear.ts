import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { isProblem } from '@queue-manager/service-kit/problems';
import { z } from 'zod';
import { lockLine } from '../../line/line.ts';
import { inSlices, reasonOfClosing, removeSlice } from '../../line/remove-slice.ts';
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
    try {
      await inSlices(deps, queueId, async (trx) => {
        const line = await lockLine(deps, trx, uuidToBytes(queueId));
        const options = { reason: reasonOfClosing, untilSeq: seq };
        return { line, hasMore: await removeSlice(line, 'waiting', actor, options) };
      });
    } catch (error) {
      // The queue was deleted; `queue.delete` removes everybody in it.
      if (!isProblem(error, 'not-found')) throw error;
    }
  },
} as const satisfies WorkKind;
