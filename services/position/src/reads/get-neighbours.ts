import { getNeighbours } from '@queue-manager/contracts/internal';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const getNeighboursOfPlace = ({ lines }: Deps) =>
  route(getNeighbours, async ({ params, body }) => {
    const line = await lines.neighbours(params.queueId, body.partyId, body);
    if (line === null || line.isDeleted) throw problems.notFound();
    const { seq, neighbours } = line;
    return { seq, ...neighbours };
  });
