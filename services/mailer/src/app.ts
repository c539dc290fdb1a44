import { findQueue } from '@queue-manager/events/client';
import { createConsumer } from '@queue-manager/events/consume';
import { createApp } from '@queue-manager/service-kit/create-app';
import type { FastifyInstance } from 'fastify';
import type { Deps } from './deps.ts';
import { onMailRequested } from './on-mail-requested.ts';

export function createMailerApp(deps: Deps): FastifyInstance {
  const app = createApp({
    logger: deps.logger,
    internalCredential: deps.internalCredential,
    readiness: {
      smtp: () => deps.smtp.verify(),
      sqs: () => findQueue(deps.sqs, deps.sqsPrefix, 'mails'),
    },
  });

  const consumer = createConsumer({
    sqs: deps.sqs,
    prefix: deps.sqsPrefix,
    queue: 'mails',
    handlers: { 'mail.requested': onMailRequested(deps) },
    logger: deps.logger,
    ready: () => deps.smtp.verify(),
  });
  app.addHook('onReady', () => consumer.start());
  app.addHook('onClose', async () => {
    await consumer.stop();
    deps.smtp.close();
  });
  return app;
}
