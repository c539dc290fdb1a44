import assert from 'node:assert/strict';
import { it } from 'node:test';
import { totalsOf } from './totals.ts';

const joined = (joinedAt: string, size: number) => ({ joinedAt, size });

it('sums up all lines, whoever stands at their front', () => {
  const tables = {
    waiting: [joined('2026-11-20T20:30:00Z', 2), joined('2026-11-20T20:05:00Z', 4)],
    called: [{}],
  };
  const bar = { waiting: [joined('2026-11-20T20:10:00Z', 1)], called: [{}, {}] };
  const since = Date.parse('2026-11-20T20:05:00Z');
  assert.deepEqual(totalsOf([tables, bar]), { waiting: 3, people: 7, since, called: 3 });
  assert.deepEqual(totalsOf([{ waiting: [], called: [] }]), {
    waiting: 0,
    people: 0,
    since: null,
    called: 0,
  });
});
