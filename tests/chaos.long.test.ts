import { describe, it } from 'node:test';
import { chaosTimeoutMs, survives } from './support/chaos.ts';

describe('a system whose stores and services are killed at random for five minutes', () => {
  it('loses, duplicates and forgets nothing', { timeout: chaosTimeoutMs(5) }, (test) =>
    survives(test, 5),
  );
});
