import { callNext as contract } from '@queue-manager/contracts/parties';
import { limits } from '@queue-manager/contracts/values';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { sql } from 'kysely';
import { queueFor } from '../access/membership.ts';
import type { PartyRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import type { Line } from '../line/line.ts';
import { laneIndex } from '../line/snapshots.ts';
import { changePartyOnce } from './change-party-once.ts';
import { staffView } from './party-view.ts';

export const callNext = (deps: Deps) =>
  route(contract, async ({ params, body, claims, idempotencyKey }) => {
    const { minSize, maxSize } = body;
    if (minSize !== undefined && maxSize !== undefined && minSize > maxSize) {
      throw problems.validationFailed({
        detail: 'minSize must not be greater than maxSize.',
        errors: [{ path: 'minSize', message: 'must not be more than maxSize' }],
      });
    }
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    const record = await changePartyOnce(
      deps,
      {
        key: idempotencyKey,
        caller: claims.sub,
        operationId: contract.operationId,
        target: queue.id,
        body,
      },
      queue.id,
      async (line) => {
        const party = await firstThatFits(line, body);
        if (party === undefined) throw problems.nobodyWaiting();
        return line.move(party, 'call', { kind: 'staff', userId: claims.sub });
      },
    );
    return staffView(deps, record);
  });

/**
 * The first party of the line that fits, read under the line's lock.
 *
 * Without a filter on sizes it is the first entry of `parties_line`. With one, the first of each size is the
 * first entry of its range in `parties_fit`, and the foremost of those is the one: at most as many seeks as
 * there are sizes, however long the line is, also when nobody fits. No row is locked here (the queue's row
 * is) and none is skipped: `SKIP LOCKED` would let a guest be overtaken.
 */
async function firstThatFits(
  line: Line,
  filter: {
    minSize?: number | undefined;
    maxSize?: number | undefined;
    lane?: 'regular' | 'priority' | undefined;
  },
): Promise<PartyRow | undefined> {
  const { trx, queue } = line;
  if (queue.waiting === 0) return undefined;
  const lane = filter.lane === undefined ? sql`` : sql`AND lane = ${laneIndex(filter.lane)}`;
  const inOrder = sql`ORDER BY lane, order_key, id LIMIT 1`;
  if (filter.minSize === undefined && filter.maxSize === undefined) {
    const { rows } = await sql<PartyRow>`
      SELECT * FROM parties FORCE INDEX (parties_line)
      WHERE queue_id = ${queue.id} AND state = 'waiting' ${lane} ${inOrder}`.execute(trx);
    return rows[0];
  }

  const from = filter.minSize ?? 1;
  const to = filter.maxSize ?? limits.partySizeMax;
  const firsts = Array.from(
    { length: to - from + 1 },
    (_, index) => sql`
      (SELECT lane, order_key, id FROM parties FORCE INDEX (parties_fit)
       WHERE queue_id = ${queue.id} AND state = 'waiting' AND size = ${from + index} ${lane} ${inOrder})`,
  );
  const { rows } = await sql<{ id: Buffer }>`
    SELECT id FROM (${sql.join(firsts, sql` UNION ALL `)}) AS firsts ${inOrder}`.execute(trx);
  return rows[0] === undefined ? undefined : line.party(rows[0].id);
}
