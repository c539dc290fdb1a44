import { type AlertLedger, alertRepeatMs, claimMs } from '@queue-manager/events/dead-letter-watch';
import type { Database } from '../db/database.ts';

/** Records across instances for which dead-letter queues an alert was raised. */
export function createAlertLedger(db: Database): AlertLedger {
  return {
    async claim(queue, now) {
      // A claim is stored as an alert old enough to expire together with the claim.
      const claimed = { alerted_at: new Date(now.getTime() - alertRepeatMs + claimMs) };
      const first = await db
        .insertInto('alerts')
        .ignore()
        .values({ queue, ...claimed })
        .executeTakeFirst();
      if (first.numInsertedOrUpdatedRows === 1n) return true;
      const again = await db
        .updateTable('alerts')
        .set(claimed)
        .where('queue', '=', queue)
        .where('alerted_at', '<=', new Date(now.getTime() - alertRepeatMs))
        .executeTakeFirst();
      return again.numUpdatedRows === 1n;
    },
    async raised(queue, now) {
      await db.updateTable('alerts').set({ alerted_at: now }).where('queue', '=', queue).execute();
    },
    async emptied(queue) {
      await db.deleteFrom('alerts').where('queue', '=', queue).execute();
    },
  };
}
