import { MailContent } from '@queue-manager/contracts/events';
import { findQueue } from '@queue-manager/events/client';
import { createConsumer } from '@queue-manager/events/consume';
import { createApp } from '@queue-manager/service-kit/create-app';
import { checkRedis } from '@queue-manager/service-kit/redis';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import type { FastifyInstance } from 'fastify';
import { createDeps, type MailerOptions } from './deps.ts';
import { onAlertRaised } from './on-alert-raised.ts';
import { onMailFailed, onMailRequested } from './on-mail-requested.ts';

export function createMailerApp(options: MailerOptions): FastifyInstance {
  const stopping = new AbortController();
  const metrics = createMetrics();
  const countMail = metrics.counter('mails_total');
  for (const { shape } of MailContent.options) {
    const { value: template } = shape.template;
    for (const outcome of ['sent', 'skipped', 'failed']) countMail({ template, outcome }, 0);
  }
  const deps = createDeps(options, stopping.signal, countMail);
  const { smtp, redis, sqs, sqsPrefix, logger, clock, retryDelaysSeconds } = deps;
  const readiness = {
    smtp: () => smtp.verify(),
    redis: () => checkRedis(redis),
    sqs: () => findQueue(sqs, sqsPrefix, 'mails'),
  };
  const app = createApp({
    logger,
    metrics,
    internalCredential: deps.internalCredential,
    readiness,
  });

  const shared = {
    sqs,
    prefix: sqsPrefix,
    logger,
    clock,
    retryDelaysSeconds,
    onOutcome: metrics.counter('messages_total'),
    ready: () => Promise.all(Object.values(readiness).map((isReady) => isReady())),
  };
  const consumers = [
    createConsumer({
      ...shared,
      queue: 'mails',
      handlers: { 'mail.requested': onMailRequested(deps) },
      onDeadLetter: onMailFailed(deps),
    }),
    createConsumer({
      ...shared,
      queue: 'alert-mails',
      handlers: { 'alert.raised': onAlertRaised(deps) },
    }),
  ];
  app.addHook('onReady', async () => {
    await Promise.all(consumers.map((consumer) => consumer.start()));
  });
  app.addHook('onClose', async () => {
    stopping.abort();
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    smtp.close();
    redis.disconnect();
  });
  return app;
}
