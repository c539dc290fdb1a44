import { Actor } from '@queue-manager/contracts/events';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { z } from 'zod';
import { lockLine } from '../../line/line.ts';
import { inSlices, removeSlice } from '../../line/remove-slice.ts';
import type { WorkKind } from '../kind.ts';

const Payload = z.object({ actor: Actor });

/** Removes the parties that were in the line of a queue when it was deleted, slice by slice. */
export const queueDelete = {
  kind: 'queue.delete',
  destination: 'tasks',
  async handle(deps, { queueId, payload }) {
    const { actor } = Payload.parse(payload);
    if (queueId === null) throw new Error('queue.delete names no queue');
    await inSlices(deps, queueId, async (trx) => {
      const line = await lockLine(deps, trx, uuidToBytes(queueId), { isDeleted: true });
      await removeSlice(line, line.queue.waiting > 0 ? 'waiting' : 'called', actor);
      return { line, hasMore: line.queue.waiting + line.queue.called > 0 };
    });
  },
} as const satisfies WorkKind;
