import { findQueue } from '@queue-manager/events/client';
import { createApp } from '@queue-manager/service-kit/create-app';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import type { FastifyInstance } from 'fastify';
import type { Deps } from './deps.ts';
import { drainKey } from './drain/drain.ts';
import { createSchedules } from './drain/schedules.ts';
import { readState } from './state/leased-state.ts';
import { createStreamReader } from './stream/stream-reader.ts';

/** Both halves in one process: it reads the stream itself, and drains by its own schedules. */
export function createForwarderApp(
  deps: Deps,
  options: {
    internalCredential: string;
    patterns: readonly string[];
    timezone: string;
    budgetMs: number;
  },
): FastifyInstance {
  const { dynamo, streams, store, sqs, sqsPrefix, logger } = deps;
  const metrics = createMetrics();
  metrics.gauge('contacts_waiting', deps.countContacts);
  const count = metrics.counter('contacts_total');
  const countRun = metrics.counter('contact_runs_total');
  const app = createApp({
    logger,
    internalCredential: options.internalCredential,
    metrics,
    readiness: {
      dynamodb: () => readState(store, drainKey),
      sqs: () => findQueue(sqs, sqsPrefix, 'contacts.fifo'),
    },
  });

  const reader = createStreamReader({
    dynamo,
    streams,
    tableName: deps.usersTableName,
    store,
    forward: deps.forwardAccounts,
    logger,
  });
  const schedules = createSchedules({
    ...options,
    logger,
    async drain(run) {
      const result = await deps.drain(run);
      countRun({ outcome: result.outcome });
      for (const outcome of ['forwarded', 'deadLetters', 'skipped'] as const) {
        for (let counted = 0; counted < result[outcome]; counted++) count({ outcome });
      }
      return result;
    },
  });
  app.addHook('onReady', async () => {
    reader.start();
    schedules.start();
  });
  app.addHook('onClose', async () => {
    await Promise.all([reader.stop(), schedules.stop()]);
    await deps.close();
  });
  return app;
}
