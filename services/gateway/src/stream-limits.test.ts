import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '@queue-manager/contracts/values';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import { testLogger } from '@queue-manager/service-kit/testing';
import { createStreamLimits } from './stream-limits.ts';

describe('stream limits', () => {
  const limitsOf = (streamsMax?: number) => {
    const metrics = createMetrics();
    return { metrics, ...createStreamLimits({ logger: testLogger, metrics, streamsMax }) };
  };

  it('refuse what is too much for the process, and say so in the metrics', async () => {
    const { open, metrics } = limitsOf(2);
    const close = open({ address: 'a', board: null });
    open({ address: 'b', board: 'x' });
    const third = () => open({ address: 'c', board: null });
    assert.throws(third, { code: 'unavailable', retryAfterSeconds: 5 });
    const text = await metrics.render();
    assert.match(text, /^streams_open 2$/m);
    assert.match(text, /^streams_refused_total\{limit="process"\} 1$/m);
    close();
    third();
  });

  for (const [kind, max, of] of [
    ['an address', limits.streamsOfAddressMax, () => ({ address: 'a', board: null })],
    ['a board', limits.streamsOfBoardMax, (n: number) => ({ address: `${n}`, board: 'x' })],
  ] as const) {
    it(`refuse what is too much for ${kind}, and nothing else`, () => {
      const { open } = limitsOf(Number.POSITIVE_INFINITY);
      const closes = Array.from({ length: max }, (_, index) => open(of(index)));
      assert.throws(() => open(of(max)), { code: 'too-many-requests', retryAfterSeconds: 5 });
      open({ address: 'another', board: 'another' });
      closes[0]?.();
      open(of(max));
      assert.throws(() => open(of(max + 1)), { code: 'too-many-requests' });
    });
  }

  it('leave descriptors for calls by default', () => {
    const { open } = limitsOf();
    open({ address: 'a', board: null })();
  });
});
