import type { Deps } from '../deps.ts';
import { getJoinPage } from './get-join-page.ts';
import { joinQueue } from './join-queue.ts';

/** How guests join. */
export const joinRoutes = (deps: Deps) => [getJoinPage(deps), joinQueue(deps)];
