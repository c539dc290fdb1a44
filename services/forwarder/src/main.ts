import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createLogger } from '@queue-manager/service-kit/logging';
import { serve } from '@queue-manager/service-kit/serve';
import { createForwarderApp } from './app.ts';
import { forwarderEnv } from './config.ts';
import { createDeps } from './deps.ts';
import { provision } from './provision.ts';

await serve(async () => {
  const config = readConfig(forwarderEnv);
  const deps = createDeps(config, {
    clock: systemClock,
    logger: createLogger({ name: 'forwarder', level: config.LOG_LEVEL }),
  });
  if (config.PROVISION) await provision(config, deps);
  const app = createForwarderApp(deps, {
    internalCredential: config.INTERNAL_CREDENTIAL,
    patterns: config.FORWARD_SCHEDULES,
    timezone: config.FORWARD_TIMEZONE,
    budgetMs: config.FORWARD_BUDGET_SECONDS * 1_000,
  });
  return { app, host: config.HOST, port: config.PORT };
});
