import type { Deps } from '../deps.ts';
import { getBoardPage } from './get-board-page.ts';
import { getJoinPage } from './get-join-page.ts';
import { joinQueue } from './join-queue.ts';

/** How guests join, and what the pages for them show of the venue. */
export const joinRoutes = (deps: Deps) => [getJoinPage(deps), joinQueue(deps), getBoardPage(deps)];
