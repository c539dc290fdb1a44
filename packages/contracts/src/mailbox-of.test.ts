import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mailboxOf } from './values.ts';

describe('mailboxOf', () => {
  it('drops the tag of a plus-address and ignores case', () => {
    for (const spelling of ['ana@example.com', 'Ana+1@Example.com', 'ana+bar+2@example.com'])
      assert.equal(mailboxOf(spelling), 'ana@example.com');
  });

  it('keeps a plus that does not separate a tag', () => {
    for (const email of ['+ana@example.com', '"a+b"@example.com', 'ana@exa+mple.com'])
      assert.equal(mailboxOf(email), email);
  });
});
