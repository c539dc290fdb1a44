import { listDeadMessages as contract } from '@queue-manager/contracts/broker';
import { decodeCursor, encodeCursor } from '@queue-manager/service-kit/cursor';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { messageJson, sendJson } from './message-json.ts';

export const listDeadMessages = ({ store, venues }: Pick<Deps, 'store' | 'venues'>) =>
  route(contract, async function listDeadMessages({ apiKey: { venueId }, query }, reply) {
    const { limit, cursor } = query;
    const [after] = cursor === undefined ? [0] : decodeCursor(cursor, ['count']);
    const found = await venues.run(venueId, () =>
      store.listDead(venueId, { after: String(after), limit: limit + 1 }),
    );
    const shown = found.slice(0, limit);
    const last = found.length > limit ? shown.at(-1) : undefined;
    const nextCursor = last === undefined ? null : encodeCursor([Number(last.id)]);
    return sendJson(
      reply,
      `{"data":[${shown.map(messageJson).join()}],"nextCursor":${JSON.stringify(nextCursor)}}`,
    );
  });
