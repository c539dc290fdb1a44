import { describe, it } from 'node:test';
import { survivesNights } from './support/random-nights.ts';

describe('a line under random moves of hosts and guests, for many nights', () => {
  it('keeps order, states and occupancy as the model does', { timeout: 14_400_000 }, (test) =>
    survivesNights(test, 3_000),
  );
});
