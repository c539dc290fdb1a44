import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeIn } from './code-in.ts';

describe('codeIn', () => {
  it('takes a code as people type it', () => {
    assert.equal(codeIn(' 7k2m-9qxt ab '), '7K2M9QXTAB');
    assert.equal(codeIn('ILO0123456'), '1100123456');
  });

  it('takes a pasted link', () => {
    assert.equal(codeIn('https://queue.example/j/7K2M9QXTAB?x=1'), '7K2M9QXTAB');
    assert.equal(codeIn('http://127.0.0.1:8080/k/7K2M9QXTAB'), '7K2M9QXTAB');
  });

  it('finds none in anything else', () => {
    for (const typed of ['', 'abc', 'https://queue.example/', 'a/b/c/d', '/j/%']) {
      assert.equal(codeIn(typed), null, typed);
    }
  });
});
