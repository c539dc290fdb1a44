import { createApp, type ReadinessCheck } from '@queue-manager/service-kit/create-app';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import type { FastifyInstance } from 'fastify';
import type { Deps } from './deps.ts';
import { internalRoutes } from './internal/routes.ts';
import { joinRoutes } from './join/routes.ts';
import { withListGate } from './list-gate.ts';
import { partiesRoutes } from './parties/routes.ts';
import { queuesRoutes } from './queues/routes.ts';
import { reportsRoutes } from './reports/routes.ts';
import { staffRoutes } from './staff/routes.ts';
import { tasksRoutes } from './tasks/routes.ts';
import { unsubscribeRoutes } from './unsubscribe/routes.ts';
import { venuesRoutes } from './venues/routes.ts';

/** The HTTP routes of all rooms. `main.ts` starts the consumers, the relay and the dispatcher. */
export function createQueueApp(
  deps: Deps,
  readiness: Record<string, ReadinessCheck>,
  metrics = createMetrics(),
): FastifyInstance {
  const app = createApp({ ...deps, readiness, metrics });
  const rooms = [
    venuesRoutes,
    staffRoutes,
    queuesRoutes,
    partiesRoutes,
    reportsRoutes,
    joinRoutes,
    unsubscribeRoutes,
    tasksRoutes,
    internalRoutes,
  ];
  for (const routes of rooms) {
    for (const endpoint of routes(deps)) app.route(withListGate(deps.lists, endpoint));
  }
  return app;
}
