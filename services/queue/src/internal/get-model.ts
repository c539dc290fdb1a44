import { getModel as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const getModel = ({ db }: Deps) =>
  route(contract, async function getModel({ params }) {
    const row = await db
      .selectFrom('queues as q')
      .leftJoin('models as m', 'm.queue_id', 'q.id')
      .select(['m.seq', 'm.model', 'm.state'])
      .where('q.id', '=', uuidToBytes(params.queueId))
      .where('q.deleted_at', 'is', null)
      .executeTakeFirst();
    if (row === undefined) throw problems.notFound();
    const { seq, model, state } = row;
    return {
      learned:
        seq === null || model === null || state === null
          ? null
          : { seq, model, state: state.toString('base64') },
    };
  });
