import { type AlertLedger, alertRepeatMs } from '@queue-manager/events/dead-letter-watch';
import type { Database } from '../database.ts';

/** Remembers for all instances which dead-letter queues an alert was raised about. */
export function createAlertLedger(db: Database): AlertLedger {
  return {
    async claim(queue, now) {
      const first = await db
        .insertInto('alerts')
        .ignore()
        .values({ queue, alerted_at: now })
        .executeTakeFirst();
      if (first.numInsertedOrUpdatedRows === 1n) return true;
      const again = await db
        .updateTable('alerts')
        .set({ alerted_at: now })
        .where('queue', '=', queue)
        .where('alerted_at', '<=', new Date(now.getTime() - alertRepeatMs))
        .executeTakeFirst();
      return again.numUpdatedRows === 1n;
    },
    async emptied(queue) {
      await db.deleteFrom('alerts').where('queue', '=', queue).execute();
    },
  };
}
