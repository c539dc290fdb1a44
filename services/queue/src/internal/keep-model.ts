import { keepModel as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { sql } from 'kysely';
import type { Deps } from '../deps.ts';

/**
 * Stores a model unless a newer one of the same kind is stored, in one statement. A shared lock on the queue's row
 * keeps a deleted queue without a model. A model of another kind always replaces the stored one: their sequence
 * numbers do not compare.
 */
export const keepModel = ({ db, clock }: Deps) =>
  route(contract, async function keepModel({ params, body: { seq, model, state } }) {
    const learned = Buffer.from(state, 'base64');
    const now = clock.now();
    const ifNewer = (value: unknown, column: string) =>
      sql`IF(models.seq < ${seq} OR models.model <> ${model}, ${value}, ${sql.ref(`models.${column}`)})`;
    // Assignments run in order and see earlier ones, so the compared columns come last.
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
    // An unchanged row counts as affected.
    if (numAffectedRows === 0n) throw problems.notFound();
  });
