import { getPlaces } from '@queue-manager/contracts/internal';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { placeOf, waitIfJoined } from '../estimates/place.ts';

export const getPlacesOfParties = ({ lines, estimates, clock }: Deps) =>
  route(getPlaces, async ({ params, body }) => {
    const line = await lines.places(params.queueId, body.partyIds);
    if (line === null || line.isDeleted) throw problems.notFound();
    const { seq, waiting } = line;
    const model = await estimates.of(params.queueId, line);
    const asOf = clock.now();
    return {
      seq,
      waiting,
      estimateIfJoined: waitIfJoined(model, { size: body.size, waiting }, asOf),
      places: line.places.map((place) =>
        place === null ? null : placeOf(model, { ...place, waiting }, asOf),
      ),
    };
  });
