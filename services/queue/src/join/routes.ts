import type { Deps } from '../deps.ts';
import { getJoinPage } from './get-join-page.ts';
import { joinQueue } from './join-queue.ts';

/** How guests get in line. */
export const joinRoutes = (deps: Deps) => [getJoinPage(deps), joinQueue(deps)];
