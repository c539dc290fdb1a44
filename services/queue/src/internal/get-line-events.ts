import { getLineEvents as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { eventsAfter } from '../line/history-page.ts';

/** Includes deleted queues; their last event is the deletion. */
export const getLineEvents = ({ db }: Deps) =>
  route(contract, async function getLineEvents({ params, query }) {
    const queueId = uuidToBytes(params.queueId);
    const queue = await db
      .selectFrom('queues')
      .select('id')
      .where('id', '=', queueId)
      .executeTakeFirst();
    if (queue === undefined) throw problems.notFound();
    return { events: await eventsAfter(db, { queueId, ...query }) };
  });
