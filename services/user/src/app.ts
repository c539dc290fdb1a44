import { createApp } from '@queue-manager/service-kit/create-app';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import type { FastifyInstance } from 'fastify';
import type { Deps } from './deps.ts';
import { checkCredentials } from './internal/check-credentials.ts';
import { getAccount } from './internal/get-account.ts';
import { getNames } from './internal/get-names.ts';
import { deleteMe } from './me/delete-me.ts';
import { exportMe } from './me/export-me.ts';
import { getMe } from './me/get-me.ts';
import { updateMe } from './me/update-me.ts';
import { measureOutbox } from './outbox/outbox-metrics.ts';
import { changePassword } from './password/change-password.ts';
import { forgotPassword } from './password/forgot-password.ts';
import { resetPassword } from './password/reset-password.ts';
import { resendVerification } from './sign-up/resend-verification.ts';
import { signUp } from './sign-up/sign-up.ts';
import { verifyUser } from './sign-up/verify-user.ts';
import { findAccount } from './store/accounts.ts';

export function createUserApp(deps: Deps): FastifyInstance {
  const metrics = createMetrics();
  measureOutbox(deps, metrics);
  const app = createApp({
    logger: deps.logger,
    metrics,
    internalCredential: deps.internalCredential,
    verifyAccessToken: deps.verifyAccessToken,
    // Without SQS, which the outbox can wait for.
    readiness: { dynamodb: () => findAccount(deps, 'none') },
  });

  app.route(signUp(deps));
  app.route(verifyUser(deps));
  app.route(resendVerification(deps));
  app.route(forgotPassword(deps));
  app.route(resetPassword(deps));

  app.route(getMe(deps));
  app.route(updateMe(deps));
  app.route(changePassword(deps));
  app.route(deleteMe(deps));
  app.route(exportMe(deps));

  app.route(checkCredentials(deps));
  app.route(getAccount(deps));
  app.route(getNames(deps));

  app.addHook('onReady', async () => deps.relay.start());
  app.addHook('onClose', async () => {
    await deps.relay.stop();
    await Promise.all([deps.authService.close(), deps.queueService.close()]);
  });
  return app;
}
