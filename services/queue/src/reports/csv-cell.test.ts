import assert from 'node:assert/strict';
import { it } from 'node:test';
import { escapeFormulas, keepAsText } from './csv-cell.ts';

it('puts an apostrophe before anything a spreadsheet could take for a formula', () => {
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
    // For spreadsheets that split at other separators than commas.
    ['Ana;=1', "Ana;'=1"],
    ['Ana; "=1', 'Ana;\' "=1'],
    ['Ana\n=1', "Ana\n'=1"],
    ['Ana\r\n@1', "Ana\r\n'@1"],
    ['Ana\t-1', "Ana\t'-1"],
    ['\tAna', "'\tAna"],
    ['\rAna', "'\rAna"],
  ] as const) {
    assert.equal(escapeFormulas(written), cell);
    assert.equal(escapeFormulas(cell), cell, 'escaping is idempotent');
  }
});

it('leaves plain text unchanged', () => {
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
    assert.equal(escapeFormulas(text), text);
  }
});

it('marks what people entered and a spreadsheet would take for a number or a date', () => {
  for (const text of [
    ...[
      '02079460958',
      '020 7946 0958',
      '1-2',
      '1/2',
      '3.10',
      '12345678901234567890',
      '1e5',
      '12 E 3',
    ],
    ...['5 May', 'May 5', 'Mar-3', '12. Oct. 2026', '3 pm', '10:30', '€5', '50%', '(12)', '٠٥٠'],
  ]) {
    assert.equal(keepAsText(text), `'${text}`);
    assert.equal(keepAsText(`'${text}`), `'${text}`, 'marking is idempotent');
  }
  for (const text of [
    '',
    'Ana',
    'Ana 2',
    'May',
    '2 high chairs',
    '7up',
    '1@example.org',
    "'tHooft",
  ]) {
    assert.equal(keepAsText(text), text);
  }
  assert.equal(keepAsText(null), null);
  assert.equal(escapeFormulas(keepAsText('+351912345678')), "'+351912345678");
  assert.equal(escapeFormulas(keepAsText('-1')), "'-1");
});

it('runs in linear time on adversarial text', () => {
  // Quadratic time or worse would not finish.
  for (const part of ['\ufeff', ' ', '"', '\n', ';', '"\ufeff ', '; ']) {
    assert.equal(escapeFormulas(`x${part.repeat(300_000)}`).length, 1 + part.length * 300_000);
    keepAsText(`1${part.repeat(300_000)}`);
  }
});
