import { callNext as contract } from '@queue-manager/contracts/parties';
import { limits } from '@queue-manager/contracts/values';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { sql } from 'kysely';
import type { z } from 'zod';
import { idempotent } from '../access/idempotent.ts';
import { queueFor } from '../access/membership.ts';
import type { LockedParty } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { readFront } from '../line/follow-up.ts';
import type { Line } from '../line/line.ts';
import { laneIndex } from '../line/snapshots.ts';
import { changePartyOnce } from './change-party-once.ts';
import { staffView } from './party-view.ts';

type Filter = z.infer<typeof contract.schema.body>;

export const callNext = (deps: Deps) =>
  route(contract, async (request) => {
    const { params, body, claims } = request;
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
      idempotent(contract, request, queue.id),
      queue.id,
      async (line) => {
        const { first, next } = await firstThatFits(line, body);
        if (first === undefined) throw problems.nobodyWaiting();
        return line.move(first, 'call', { kind: 'staff', userId: claims.sub }, next && { next });
      },
    );
    return staffView(deps, record);
  });

type Fit = { first: LockedParty | undefined; next?: LockedParty[] };

/**
 * The first party that fits, read under the line's lock, and the next ones if they were read with it.
 *
 * With a filter on sizes, the first party of each size is the first entry of its range in `parties_fit`, and the foremost
 * of these fits: one seek per size, however long the line is, also when no party fits.
 */
async function firstThatFits(line: Line, filter: Filter): Promise<Fit> {
  const { trx, queue } = line;
  const { minSize, maxSize } = filter;
  if (queue.waiting === 0) return { first: undefined };
  const isAnySize = minSize === undefined && maxSize === undefined;
  if (isAnySize && filter.lane === undefined) return readFront(trx, queue.id);

  const lane = filter.lane === undefined ? sql`` : sql`AND lane = ${laneIndex(filter.lane)}`;
  const inOrder = sql`ORDER BY lane, order_key, id LIMIT 1`;
  const from = minSize ?? 1;
  const to = maxSize ?? limits.partySizeMax;
  const ranges = isAnySize
    ? [sql`parties FORCE INDEX (parties_line) WHERE TRUE`]
    : Array.from(
        { length: to - from + 1 },
        (_, index) => sql`parties FORCE INDEX (parties_fit) WHERE size = ${from + index}`,
      );
  const firsts = ranges.map(
    (range) => sql`
      (SELECT lane, order_key, id FROM ${range} AND queue_id = ${queue.id} AND state = 'waiting' ${lane} ${inOrder})`,
  );
  const { rows } = await sql<{ id: Buffer }>`
    SELECT id FROM (${sql.join(firsts, sql` UNION ALL `)}) AS firsts ${inOrder}`.execute(trx);
  return { first: rows[0] && (await line.party(rows[0].id)) };
}
