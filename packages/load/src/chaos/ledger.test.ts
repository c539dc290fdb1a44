import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countViolations } from './ledger.ts';

describe('violations of a chaos run', () => {
  it('are counted by kind, with the first and last time of each', () => {
    assert.deepEqual(
      countViolations([
        { what: 'lost', atMs: 20 },
        { what: 'found at the end', atMs: null },
        { what: 'lost', atMs: 5 },
        { what: 'lost', atMs: 30 },
      ]),
      [
        { what: 'lost', count: 3, firstAtMs: 5, lastAtMs: 30 },
        { what: 'found at the end', count: 1, firstAtMs: null, lastAtMs: null },
      ],
    );
  });
});
