import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createLogger } from '@queue-manager/service-kit/logging';
import { serve } from '@queue-manager/service-kit/serve';
import { exportTraces } from '@queue-manager/service-kit/telemetry/export-traces';
import { createForwarderApp } from './app.ts';
import { forwarderEnv } from './config.ts';
import { createDeps } from './deps.ts';
import { provision } from './provision.ts';

await serve(async () => {
  const config = readConfig(forwarderEnv);
  const logger = createLogger({ name: 'forwarder', level: config.LOG_LEVEL });
  const traces = await exportTraces('forwarder', config, logger);
  const deps = createDeps(config, { clock: systemClock, logger });
  if (config.PROVISION) await provision(config, deps);
  const app = createForwarderApp(deps, {
    internalCredential: config.INTERNAL_CREDENTIAL,
    patterns: config.FORWARD_SCHEDULES,
    timezone: config.FORWARD_TIMEZONE,
    budgetMs: config.FORWARD_BUDGET_SECONDS * 1_000,
  });
  return { app, host: config.HOST, port: config.PORT, traces };
});
