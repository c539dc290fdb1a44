import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { systemClock } from '@queue-manager/service-kit/clock';
import { connectRedis } from '@queue-manager/service-kit/redis';
import { testEnv, testLogger, until } from '@queue-manager/service-kit/testing';
import { createMessageStore } from './store/message-store.ts';
import { callsOfVenue, createVenueGate } from './venue-gate.ts';

describe('venue gate', () => {
  it('lets the calls of a venue pass the many that another has waiting', async () => {
    const redis = connectRedis({
      url: testEnv('BROKER_REDIS_URL'),
      isCluster: false,
      commandTimeoutMs: 30_000,
      logger: testLogger,
    });
    try {
      await until('Redis is connected', () => redis.status === 'ready');
      const store = createMessageStore({
        redis,
        clock: systemClock,
        deliveriesMax: 10,
        backlog: { messagesMax: 10_000, bytesMax: 1e9, ageDaysMax: 14, keysMax: 1 },
      });
      const gate = createVenueGate();
      const order: string[] = [];
      const publish = (venueId: string) =>
        gate
          .run(venueId, () => store.publish({ venueId, body: '1' }))
          .then(() => order.push(venueId));
      const [busy, calm] = [randomUUID(), randomUUID()];
      const calls = Array.from({ length: 500 }, () => publish(busy));
      calls.push(publish(calm));
      await Promise.all(calls);
      assert.ok(order.indexOf(calm) <= callsOfVenue.atOnce, `${order.indexOf(calm)} were before`);
    } finally {
      redis.disconnect();
    }
  });
});
