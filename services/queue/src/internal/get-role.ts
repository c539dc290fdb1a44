import { getRole as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const getRole = ({ db }: Deps) =>
  route(contract, async function getRole({ params }) {
    const member = await db
      .selectFrom('queues as q')
      .innerJoin('members as m', 'm.venue_id', 'q.venue_id')
      .select('m.role')
      .where('q.id', '=', uuidToBytes(params.queueId))
      .where('q.deleted_at', 'is', null)
      .where('m.user_id', '=', uuidToBytes(params.userId))
      .executeTakeFirst();
    return { role: member?.role ?? null };
  });
