import assert from 'node:assert/strict';
import { it } from 'node:test';
import { csvOf } from './table.ts';

it('writes tables as spreadsheets read them', () => {
  const csv = csvOf({
    heads: ['Hour', 'Wait, "median" (min)'],
    rows: [
      ['21:00', 12.5],
      ['22:00', null],
    ],
  });
  assert.equal(csv, '\uFEFF"Hour","Wait, ""median"" (min)"\r\n"21:00",12.5\r\n"22:00",\r\n');
});
