import { createApp } from '@queue-manager/service-kit/create-app';
import type { FastifyInstance } from 'fastify';
import { findAccount } from './accounts.ts';
import { changePassword } from './change-password.ts';
import { checkCredentials } from './check-credentials.ts';
import { deleteMe } from './delete-me.ts';
import type { Deps } from './deps.ts';
import { exportMe } from './export-me.ts';
import { forgotPassword } from './forgot-password.ts';
import { getAccount } from './get-account.ts';
import { getMe } from './get-me.ts';
import { getNames } from './get-names.ts';
import { resendVerification } from './resend-verification.ts';
import { resetPassword } from './reset-password.ts';
import { signUp } from './sign-up.ts';
import { updateMe } from './update-me.ts';
import { verifyUser } from './verify-user.ts';

export function createUserApp(deps: Deps): FastifyInstance {
  const app = createApp({
    logger: deps.logger,
    internalCredential: deps.internalCredential,
    verifyAccessToken: deps.verifyAccessToken,
    // SQS is not among them: while it is away, the outbox holds what it will get.
    readiness: { dynamodb: () => findAccount(deps, 'nobody') },
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
