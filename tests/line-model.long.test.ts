import { describe, it } from 'node:test';
import { survivesNights } from './support/random-nights.ts';

describe('a queue under random moves of hosts and guests, for many nights', () => {
  it('has the order, states and occupancy of the model', { timeout: 14_400_000 }, (test) =>
    survivesNights(test, 3_000),
  );
});
