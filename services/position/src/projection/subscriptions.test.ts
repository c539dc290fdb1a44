import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createSubscriptions } from '@queue-manager/service-kit/subscriptions';
import { testLogger, until } from '@queue-manager/service-kit/testing';
import { startRedis } from '../testing.ts';

describe('many subscriptions while Redis is unavailable', () => {
  const started = new AsyncDisposableStack();
  after(() => started.disposeAsync());

  it('fail without piling up, and succeed once Redis is back', async () => {
    const server = started.adopt(await startRedis(), (redis) => redis.remove());
    await server.kill();
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    started.defer(() => void process.off('warning', onWarning));
    const subscriptions = started.adopt(
      createSubscriptions({
        url: server.url,
        isCluster: false,
        commandTimeoutMs: 15_000,
        logger: testLogger,
      }),
      (held) => held.close(),
    );
    const nobody = { onMessage: () => undefined, onRenewed: () => undefined };
    const addAll = () =>
      Promise.allSettled(
        Array.from({ length: 50 }, (_, at) => subscriptions.add(`{${at}}:changes`, nobody)),
      );
    const refused = await addAll();
    assert.ok(refused.every(({ status }) => status === 'rejected'));
    await server.start();
    await until('all are subscribed', async () =>
      (await addAll()).every(({ status }) => status === 'fulfilled'),
    );
    assert.deepEqual(warnings, []);
  });
});
