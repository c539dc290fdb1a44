import { getSpots } from '@queue-manager/contracts/internal';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';

export const getSpotsOfPlace = ({ lines }: Deps) =>
  route(getSpots, async ({ params, body }) => {
    const line = await lines.spots(params.queueId, body.partyId, body);
    if (line === null || line.isDeleted) throw problems.notFound();
    const { seq, spots } = line;
    return { seq, ...spots };
  });
