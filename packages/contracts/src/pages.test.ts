import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { guestPages, pageAt, pageUrl } from './pages.ts';

describe('pageAt', () => {
  it('finds each page by its own address', () => {
    for (const page of Object.keys(guestPages) as (keyof typeof guestPages)[]) {
      const parameter = page === 'home' ? '' : 'a b';
      assert.deepEqual(pageAt(pageUrl('', page, parameter)), { page, parameter });
    }
    assert.equal(pageAt('/j/ABC/')?.parameter, 'ABC');
  });

  it('finds no page at other addresses', () => {
    for (const path of ['/j', '/j/a/b', '/v1/join/ABC', '/x', '/j/%']) {
      assert.equal(pageAt(path), null);
    }
  });
});
