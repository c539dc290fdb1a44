import { getVenueQueues as contract } from '@queue-manager/contracts/internal';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const getVenueQueues = ({ db }: Deps) =>
  route(contract, async function getVenueQueues({ params }) {
    const rows = await db
      .selectFrom('venues as v')
      .leftJoin('queues as q', (join) =>
        join.onRef('q.venue_id', '=', 'v.id').on('q.deleted_at', 'is', null),
      )
      .select(['q.id', 'q.seq'])
      .where('v.id', '=', uuidToBytes(params.venueId))
      .where('v.deleted_at', 'is', null)
      .orderBy('q.id')
      .execute();
    if (rows.length === 0) throw problems.notFound();
    return {
      queues: rows.flatMap(({ id, seq }) =>
        id === null || seq === null ? [] : [{ queueId: bytesToUuid(id), seq }],
      ),
    };
  });
