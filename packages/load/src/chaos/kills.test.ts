import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { killByPlan, planKills } from './kills.ts';

const names = ['mariadb', 'redis', 'queue', 'gateway', 'mailer'];
const first = (seed: string, count: number) => planKills(seed, names).take(count).toArray();

describe('planKills', () => {
  it('returns the same kills for the same seed, and others for another', () => {
    assert.deepEqual(first('a', 50), first('a', 50));
    assert.notDeepEqual(first('a', 50), first('b', 50));
  });

  it('kills everything once before it kills anything twice', () => {
    const victims = first('a', names.length).flatMap((kill) => kill.names);
    assert.deepEqual(new Set(victims.slice(0, names.length)), new Set(names));
  });
});

describe('killByPlan', () => {
  it('kills running processes until the time is over, and counts kills', async () => {
    const killed: string[] = [];
    const system = {
      pids: (name: string) => (name === 'redis' ? [] : [1]),
      kill: (name: string, signal: NodeJS.Signals) => void killed.push(`${name} ${signal}`),
    };
    const plan = [
      { afterMs: 1, names: ['queue'] },
      { afterMs: 1, names: ['redis', 'queue'] },
      { afterMs: 1_000_000, names: ['gateway'] },
    ];
    const counts = await killByPlan(system, plan, 50, new AbortController().signal, () => {});
    assert.deepEqual(killed, ['queue SIGKILL', 'queue SIGKILL']);
    assert.deepEqual([...counts], [['queue', 2]]);
  });
});
