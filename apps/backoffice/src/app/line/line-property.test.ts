import { describe, it } from 'node:test';
import { surviveNights } from './nights-testing.ts';

describe('random nights', () => {
  it('lose no press, double none and reorder none', () => surviveNights(60));
});
