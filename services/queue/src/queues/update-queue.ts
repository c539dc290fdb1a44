import { updateQueue as contract } from '@queue-manager/contracts/queues';
import { route } from '@queue-manager/service-kit/route';
import { queueFor } from '../access/membership.ts';
import { changedOnly } from '../db/changed-only.ts';
import { inTransaction } from '../db/database.ts';
import type { Deps } from '../deps.ts';
import { lockLine } from '../line/line.ts';
import { queueView } from './queue-view.ts';

export const updateQueue = (deps: Deps) =>
  route(contract, async function updateQueue({ params, body, claims }) {
    const { queue } = await queueFor(deps.db, params.queueId, claims.sub, 'manager');
    const { view, events } = await deps.lines.run(params.queueId, () =>
      inTransaction(deps.db, async (trx) => {
        const line = await lockLine(deps, trx, queue.id);
        const changes = changedOnly(line.queue, {
          name: body.name,
          text: body.text,
          end_message: body.endMessage,
          max_waiting: body.maxWaiting,
          max_party_size: body.maxPartySize,
          call_grace_seconds: body.callGraceSeconds,
          self_join: body.selfJoin === undefined ? undefined : body.selfJoin ? 1 : 0,
          board_labels: body.boardLabels,
        });
        if (Object.keys(changes).length > 0) {
          line.set(changes);
          line.queueChanged({ kind: 'staff', userId: claims.sub });
        }
        return { view: queueView(deps, line.queue), events: await line.write() };
      }),
    );
    await deps.feed.committed(events);
    return view;
  });
