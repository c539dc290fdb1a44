import { keepModel as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { sql } from 'kysely';
import type { Deps } from '../deps.ts';

/**
 * One statement. It shares the lock on the queue's row for as long as it runs, so that nothing is kept of a
 * queue that is being deleted. What was learned by another rule replaces what is kept whatever it has seen:
 * the two cannot be compared.
 */
export const keepModel = ({ db, clock }: Deps) =>
  route(contract, async ({ params, body: { seq, model, state } }) => {
    const learned = Buffer.from(state, 'base64');
    const now = clock.now();
    const ifNewer = (value: unknown, column: string) =>
      sql`IF(models.seq < ${seq} OR models.model <> ${model}, ${value}, ${sql.ref(`models.${column}`)})`;
    // Columns are set one after the other, each seeing those before it: what is compared is set last.
    const { numAffectedRows = 0n } = await sql`
      INSERT INTO models (queue_id, seq, model, state, updated_at)
      SELECT q.id, ${seq}, ${model}, ${learned}, ${now} FROM queues AS q
      WHERE q.id = ${uuidToBytes(params.queueId)} AND q.deleted_at IS NULL
      LOCK IN SHARE MODE
      ON DUPLICATE KEY UPDATE
        state = ${ifNewer(learned, 'state')},
        updated_at = ${ifNewer(now, 'updated_at')},
        seq = ${ifNewer(seq, 'seq')},
        model = ${model}`.execute(db);
    // A row that stays as it is counts too.
    if (numAffectedRows === 0n) throw problems.notFound();
  });
