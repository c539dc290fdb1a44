import fastifyCookie from '@fastify/cookie';
import fastifyJwt from '@fastify/jwt';
import { createConsumer } from '@queue-manager/events/consume';
import { createApp } from '@queue-manager/service-kit/create-app';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import type { FastifyInstance } from 'fastify';
import type { Deps } from './deps.ts';
import { endSession } from './end-session.ts';
import { getJwks } from './get-jwks.ts';
import { getSessionsOf } from './get-sessions-of.ts';
import { jwtOptions } from './issue-tokens.ts';
import { listSessions } from './list-sessions.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { onUserDeleted } from './on-user-deleted.ts';
import { refresh } from './refresh.ts';
import { findSession } from './sessions.ts';

export function createAuthApp(deps: Deps): FastifyInstance {
  const checkStore = () => findSession(deps, { userId: 'nobody', id: 'none' });
  const metrics = createMetrics();
  const app = createApp({
    logger: deps.logger,
    metrics,
    internalCredential: deps.internalCredential,
    verifyAccessToken: deps.verifyAccessToken,
    readiness: { dynamodb: checkStore },
  });
  app.register(fastifyCookie);
  app.register(fastifyJwt, jwtOptions(deps.keyRing));

  app.route(login(deps));
  app.route(refresh(deps));
  app.route(logout(deps));
  app.route(listSessions(deps));
  app.route(endSession(deps));
  app.route(getJwks(deps));

  app.route(getSessionsOf(deps));

  const consumer = createConsumer({
    sqs: deps.sqs,
    prefix: deps.sqsPrefix,
    queue: 'auth-events',
    handlers: { 'user.deleted': onUserDeleted(deps) },
    logger: deps.logger,
    onOutcome: metrics.counter('messages_total'),
    ready: checkStore,
  });
  app.addHook('onReady', () => consumer.start());
  app.addHook('onClose', async () => {
    await consumer.stop();
    await deps.userService.close();
  });
  return app;
}
