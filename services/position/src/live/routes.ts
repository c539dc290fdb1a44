import type { LiveDeps } from './live.ts';
import { liveBoardOfQueue } from './live-board.ts';
import { liveQueueForStaff } from './live-queue.ts';
import { livePositionOfTicket } from './live-ticket.ts';

export const liveRoutes = (deps: LiveDeps) => [
  livePositionOfTicket(deps),
  liveBoardOfQueue(deps),
  liveQueueForStaff(deps),
];
