import { getLineChecksum as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { queueSnapshot } from '../line/snapshots.ts';

export const getLineChecksum = ({ db }: Deps) =>
  route(contract, async function getLineChecksum({ params }) {
    const queue = await db
      .selectFrom('queues')
      .selectAll()
      .where('id', '=', uuidToBytes(params.queueId))
      .executeTakeFirst();
    if (queue === undefined) throw problems.notFound();
    return { ...queueSnapshot(queue), waiting: queue.waiting, called: queue.called };
  });
