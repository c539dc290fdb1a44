import { describe, it } from 'node:test';
import { surviveNights } from './nights-testing.ts';

describe('a thousand random nights', () => {
  it('lose no press, double none and reorder none', { timeout: 3_600_000 }, () =>
    surviveNights(1_000),
  );
});
