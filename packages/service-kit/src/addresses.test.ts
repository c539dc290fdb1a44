import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAddresses } from './addresses.ts';

describe('the addresses of a service', () => {
  it('take turns', () => {
    const addresses = createAddresses(['a', 'b', 'c']);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => addresses.turn().join('')),
      ['abc', 'bca', 'cab', 'abc'],
    );
  });

  it('come last for a second after they refused', (t) => {
    const now = t.mock.method(performance, 'now', () => 1_000);
    const addresses = createAddresses(['a', 'b', 'c']);
    addresses.rest('b');
    const turns = () => [1, 2, 3].map(() => addresses.turn().join(''));
    assert.deepEqual(turns(), ['acb', 'cab', 'cab']);
    now.mock.mockImplementation(() => 2_000);
    assert.deepEqual(turns(), ['abc', 'bca', 'cab']);
  });
});
