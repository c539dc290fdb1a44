import { createQueue as contract } from '@queue-manager/contracts/queues';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { idempotent } from '../access/idempotent.ts';
import { lockVenue } from '../access/lock-venue.ts';
import { venueFor } from '../access/membership.ts';
import { once } from '../db/idempotency.ts';
import type { QueueRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { Line } from '../line/line.ts';
import { feedNewQueue } from '../venue-feed/feed-cursors.ts';
import { newJoinCode } from './join-code.ts';
import { queueView } from './queue-view.ts';

export const createQueue = (deps: Deps) =>
  route(contract, async function createQueue(request) {
    const { params, body, claims } = request;
    const { db, clock, feed } = deps;
    const venue = await venueFor(db, params.venueId, claims.sub, 'manager');
    const repeatable = idempotent(contract, request, venue.id);
    const { result, events } = await once(deps, repeatable, async (trx) => {
      const locked = await lockVenue(trx, venue.id);
      const queue: QueueRow = {
        venue_id: venue.id,
        id: uuidToBytes(newId(clock)),
        name: body.name,
        text: body.text,
        end_message: body.endMessage,
        state: 'open',
        join_code: newJoinCode(),
        max_waiting: body.maxWaiting,
        max_party_size: body.maxPartySize,
        call_grace_seconds: body.callGraceSeconds,
        self_join: body.selfJoin ? 1 : 0,
        board_labels: body.boardLabels,
        seq: 0,
        waiting: 0,
        called: 0,
        tail_key: null,
        number_day: null,
        last_number: 0,
        held_number: 0,
        created_at: clock.now(),
        deleted_at: null,
      };
      await trx.insertInto('queues').values(queue).execute();
      await feedNewQueue({ clock }, trx, locked, queue.id);
      const line = new Line(clock, trx, queue, null);
      line.queueChanged({ kind: 'staff', userId: claims.sub });
      return { result: queueView(deps, queue), events: await line.write() };
    });
    await feed.committed(events);
    return result;
  });
