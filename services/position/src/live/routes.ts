import type { LiveDeps } from './live.ts';
import { liveBoardOfQueue } from './live-board.ts';
import { liveQueueForStaff } from './live-queue.ts';
import { livePositionOfTicket } from './live-ticket.ts';
import { liveVenueForStaff } from './live-venue.ts';
import { createStaffStreams } from './staff-streams.ts';

export const liveRoutes = (deps: LiveDeps) => {
  const staffStreams = createStaffStreams(deps);
  return [
    livePositionOfTicket(deps),
    liveBoardOfQueue(deps),
    liveQueueForStaff(deps, staffStreams),
    liveVenueForStaff(deps, staffStreams),
  ];
};
