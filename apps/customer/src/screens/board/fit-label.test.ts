import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitLabel } from './fit-label.ts';

const half = (text: string) => text.length / 2;

describe('fitLabel', () => {
  it('keeps numbers and short names on one line', () => {
    assert.deepEqual(fitLabel('128', 5.5, half), { lines: ['128'], widthEm: 1.5 });
    assert.deepEqual(fitLabel('Ana M.', 5.5, half), { lines: ['Ana M.'], widthEm: 3 });
  });

  it('splits long names where the longer line is shortest', () => {
    assert.deepEqual(fitLabel('Maria da Conceição O.', 5.5, half), {
      lines: ['Maria da', 'Conceição O.'],
      widthEm: 6,
    });
  });

  it('cannot split one long word', () => {
    assert.deepEqual(fitLabel('Wolfeschlegelsteinhausen', 5.5, half).lines, [
      'Wolfeschlegelsteinhausen',
    ]);
  });
});
