import type { Deps } from '../deps.ts';
import { applyEventsDirectly } from './apply-events.ts';

export const ingestRoutes = (deps: Deps) => [applyEventsDirectly(deps)];
