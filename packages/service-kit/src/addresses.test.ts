import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAddresses } from './addresses.ts';

describe('createAddresses', () => {
  it('orders addresses round robin', () => {
    const addresses = createAddresses(['a', 'b', 'c']);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => addresses.inOrder().join('')),
      ['abc', 'bca', 'cab', 'abc'],
    );
  });

  it('puts an avoided address last for a second', (t) => {
    const now = t.mock.method(performance, 'now', () => 1_000);
    const addresses = createAddresses(['a', 'b', 'c']);
    addresses.avoid('b');
    const orders = () => [1, 2, 3].map(() => addresses.inOrder().join(''));
    assert.deepEqual(orders(), ['acb', 'cab', 'cab']);
    now.mock.mockImplementation(() => 2_000);
    assert.deepEqual(orders(), ['abc', 'bca', 'cab']);
  });
});
