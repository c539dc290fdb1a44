import { describe, it } from 'node:test';
import { chaosTimeoutMs, survives } from './support/chaos.ts';

describe('a system whose services are restarted one after the other for three minutes', () => {
  it('loses nothing, and no stream’s final state', { timeout: chaosTimeoutMs(3) }, (test) =>
    survives(test, 3, { isRolling: true }),
  );
});
