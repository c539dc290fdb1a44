import { getLineEvents as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { eventsAfter } from '../line/history-page.ts';

/** Of a deleted queue too, since its last event is that it was deleted. */
export const getLineEvents = ({ db }: Deps) =>
  route(contract, async ({ params, query }) => {
    const queueId = uuidToBytes(params.queueId);
    const queue = await db
      .selectFrom('queues')
      .select('id')
      .where('id', '=', queueId)
      .executeTakeFirst();
    if (queue === undefined) throw problems.notFound();
    return { events: await eventsAfter(db, { queueId, ...query }) };
  });
