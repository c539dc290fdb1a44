import type { Deps } from '../deps.ts';
import { getUnsubscribePage } from './get-unsubscribe-page.ts';
import { unsubscribe } from './unsubscribe.ts';

/** How recipients of mails stop those of a venue. */
export const unsubscribeRoutes = (deps: Deps) => [getUnsubscribePage(deps), unsubscribe(deps)];
