import { getPosition } from '@queue-manager/contracts/positions';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { findPlace } from '../lines/find-place.ts';
import { positionOf } from './position-of.ts';

export const getPositionOfTicket = (deps: Deps) =>
  route(getPosition, async ({ params }) => {
    const subject = deps.tickets.read(params.ticket);
    if (subject === null) throw problems.notFound();
    const found = await findPlace(deps, subject);
    const model = await deps.estimates.of(subject.queueId, found);
    return positionOf(found, model, deps.clock.now());
  });
