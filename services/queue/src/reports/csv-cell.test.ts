import assert from 'node:assert/strict';
import { it } from 'node:test';
import { harmlessCell } from './csv-cell.ts';

it('puts an apostrophe before whatever a spreadsheet could compute', () => {
  for (const [written, cell] of [
    ['=1+1', "'=1+1"],
    ['+351912345678', "'+351912345678"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['＝1', "'＝1"],
    ['＋1', "'＋1"],
    ['－1', "'－1"],
    ['＠A', "'＠A"],
    ['  =1', "'  =1"],
    ['"=1"', '\'"=1"'],
    ['" "=1', '\'" "=1'],
    ['\u200b=1', "'\u200b=1"],
    ['\ufeff\ufeff=1', "'\ufeff\ufeff=1"],
    ['\u00a0=1', "'\u00a0=1"],
    // Should the file be read with other separators than commas.
    ['Ana;=1', "Ana;'=1"],
    ['Ana; "=1', 'Ana;\' "=1'],
    ['Ana\n=1', "Ana\n'=1"],
    ['Ana\r\n@1', "Ana\r\n'@1"],
    ['Ana\t-1', "Ana\t'-1"],
    ['\tAna', "'\tAna"],
    ['\rAna', "'\rAna"],
  ] as const) {
    assert.equal(harmlessCell(written), cell);
    assert.equal(harmlessCell(cell), cell, 'once is enough');
  }
});

it('leaves alone what is only text', () => {
  for (const text of [
    '',
    'Ana Lima',
    'Ana-Maria = Zé + Rui @ 8',
    '"Zé"',
    "'tHooft",
    '1-2',
    'a; b\nc',
    'ü 🎉',
    '2026-11-20T20:00:00+00:00',
  ]) {
    assert.equal(harmlessCell(text), text);
  }
});

it('takes no longer for text made to keep it busy', () => {
  // Quadratic or worse would never end.
  for (const part of ['\ufeff', ' ', '"', '\n', ';', '"\ufeff ', '; ']) {
    assert.equal(harmlessCell(`x${part.repeat(300_000)}`).length, 1 + part.length * 300_000);
  }
});
