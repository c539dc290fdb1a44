import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { breakByPlan, type Outage, planOutages } from './outages.ts';

const noEnd = async () => {};
const outage = (name: string): Outage => ({ name, begin: async () => noEnd });
const kinds = [['silent a', 'silent b'].map(outage), [outage('full')], [outage('read-only')]];
const first = (seed: string, count: number) =>
  planOutages(seed, kinds)
    .take(count)
    .map(({ outage: { name }, ...times }) => ({ name, ...times }))
    .toArray();

describe('planOutages', () => {
  it('returns the same outages for the same seed, and others for another', () => {
    assert.deepEqual(first('a', 20), first('a', 20));
    assert.notDeepEqual(first('a', 20), first('b', 20));
  });

  it('causes every kind of outage before it causes any again', () => {
    const names = first('a', kinds.length).map(({ name }) => name.split(' ')[0]);
    assert.deepEqual(new Set(names), new Set(['silent', 'full', 'read-only']));
  });
});

describe('breakByPlan', () => {
  it('ends each outage before the next and at the end, and leaves out what is not running', async () => {
    const said: string[] = [];
    const recorded = (name: string): Outage => ({
      name,
      async begin() {
        said.push(`${name} begins`);
        return async () => void said.push(`${name} ends`);
      },
    });
    const gone: Outage = { name: 'gone', begin: () => Promise.reject(new Error('ECONNREFUSED')) };
    const plan = [
      { outage: recorded('full'), afterMs: 1, lastsMs: 1 },
      { outage: gone, afterMs: 1, lastsMs: 1_000_000 },
      { outage: recorded('slow'), afterMs: 1, lastsMs: 1_000_000 },
      { outage: recorded('silent'), afterMs: 1_000_000, lastsMs: 1 },
    ];
    const counts = await breakByPlan(plan, 100, new AbortController().signal, () => {});
    assert.deepEqual(said, ['full begins', 'full ends', 'slow begins', 'slow ends']);
    assert.deepEqual(Object.fromEntries(counts), { full: 1, slow: 1 });
  });
});
