import { describe, it } from 'node:test';
import { survivesNights } from './support/random-nights.ts';

describe('a queue under random moves of hosts and guests, some concurrent', () => {
  it('has the order, states and occupancy of the model', { timeout: 900_000 }, (test) =>
    survivesNights(test, 200),
  );
});
