import { getPlaces } from '@queue-manager/contracts/internal';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { estimateWait } from './estimate.ts';
import { placeOf } from './place.ts';

export const getPlacesOfParties = ({ lines, clock }: Deps) =>
  route(getPlaces, async ({ params, body }) => {
    const line = await lines.places(params.queueId, body.partyIds);
    if (line === null || line.isDeleted) throw problems.notFound();
    const { seq, waiting } = line;
    const asOf = clock.now();
    return {
      seq,
      waiting,
      estimateIfJoined: estimateWait({ ahead: waiting, asOf }),
      places: line.places.map((place) => placeOf({ ahead: place?.ahead ?? null, asOf })),
    };
  });
