import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Row } from '../line/row.ts';
import { filtered, isFiltered, noFilters } from './filters.ts';

const row = (fields: Partial<Row>) =>
  ({
    number: 12,
    name: 'José da Silva',
    size: 2,
    lane: 'regular',
    phone: null,
    notes: null,
    possibleDuplicate: false,
    notifications: [],
    ...fields,
  }) as unknown as Row;
const names = (rows: Row[], filters: Partial<typeof noFilters>) =>
  filtered(rows, { ...noFilters, ...filters }).map(({ row: { name }, position }) => [
    position,
    name,
  ]);

describe('filters of the line', () => {
  const line = [
    row({}),
    row({ number: 3, name: 'Ana', size: 5, lane: 'priority', phone: '+351 912 345 678' }),
    row({ number: 121, name: 'Björn', size: 7, notes: 'Wheelchair' }),
    row({ number: 4, name: null, notifications: [{ state: 'failed' } as never] }),
  ];

  it('find the start of a word of the name, without case and accents', () => {
    assert.deepEqual(names(line, { text: 'jose' }), [[1, 'José da Silva']]);
    assert.deepEqual(names(line, { text: ' SILVA ' }), [[1, 'José da Silva']]);
    assert.deepEqual(names(line, { text: 'bjor' }), [[3, 'Björn']]);
    assert.deepEqual(names(line, { text: 'ilva' }), []);
  });

  it('find a number by its start, a phone by its digits, and words of a note', () => {
    assert.deepEqual(names(line, { text: '12' }), [
      [1, 'José da Silva'],
      [3, 'Björn'],
    ]);
    assert.deepEqual(names(line, { text: '#121' }), [[3, 'Björn']]);
    assert.deepEqual(names(line, { text: '345678' }), [[2, 'Ana']]);
    assert.deepEqual(names(line, { text: 'chair' }), [[3, 'Björn']]);
  });

  it('keep the positions among all', () => {
    assert.deepEqual(names(line, { sizes: { min: 5, max: 6 } }), [[2, 'Ana']]);
    assert.deepEqual(names(line, { sizes: { min: 7, max: null } }), [[3, 'Björn']]);
    assert.deepEqual(names(line, { isPriorityOnly: true }), [[2, 'Ana']]);
    assert.deepEqual(names(line, { isMarkedOnly: true }), [
      [3, 'Björn'],
      [4, null],
    ]);
    assert.equal(isFiltered(noFilters), false);
    assert.equal(isFiltered({ ...noFilters, isMarkedOnly: true }), true);
  });
});
