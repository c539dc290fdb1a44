import { describe, it } from 'node:test';
import { survivesNights } from './support/random-nights.ts';

describe('a line under random moves of hosts and guests, some made at once', () => {
  it('keeps order, states and occupancy as the model does', { timeout: 900_000 }, (test) =>
    survivesNights(test, 200),
  );
});
