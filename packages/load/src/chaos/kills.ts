import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '@queue-manager/local-stack/system/system';
import { randomOf } from '../random.ts';

export interface Kill {
  /** Since the kill before, or since the beginning. */
  afterMs: number;
  names: string[];
}

/** Most kills follow each other while the system still recovers; some leave it time to work in between. */
const pausesMs = { hasty: [200, 3_000], calm: [4_000, 9_000] } as const;
const calmShare = 0.25;
/** Two at once: what one of them would have repaired is away as well. */
const pairShare = 0.2;

/**
 * The kills of a seed without end, the same each time for the same names. Every name has its turn before any
 * has its next, so that also a short run kills all of them.
 */
export function* planKills(seed: string, names: readonly string[]): Generator<Kill> {
  const random = randomOf(`${seed} kills`);
  let turn: string[] = [];
  const draw = () => {
    if (turn.length === 0) turn = [...names];
    return turn.splice(Math.floor(random() * turn.length), 1)[0] as string;
  };
  for (;;) {
    const [shortest, longest] = random() < calmShare ? pausesMs.calm : pausesMs.hasty;
    const afterMs = Math.round(shortest + random() * (longest - shortest));
    const victims = new Set([draw()]);
    if (random() < pairShare) victims.add(draw());
    yield { afterMs, names: [...victims] };
  }
}

/**
 * Kills by plan until the time is over.
 *
 * @param note told of each kill of a process that was running.
 * @returns how often each was killed; a victim that was between two runs does not count.
 */
export async function killByPlan(
  system: Pick<System, 'kill' | 'pids'>,
  plan: Iterable<Kill>,
  durationMs: number,
  signal: AbortSignal,
  note: (atMs: number, name: string) => void,
): Promise<Map<string, number>> {
  const killed = new Map<string, number>();
  const startedAt = performance.now();
  let atMs = 0;
  for (const { afterMs, names } of plan) {
    atMs += afterMs;
    const lastsMs = Math.min(atMs, durationMs) - (performance.now() - startedAt);
    await delay(Math.max(0, lastsMs), undefined, { signal });
    if (atMs >= durationMs) break;
    for (const name of names) {
      if (system.pids(name).length === 0) continue;
      system.kill(name, 'SIGKILL');
      killed.set(name, (killed.get(name) ?? 0) + 1);
      note(performance.now() - startedAt, name);
    }
  }
  return killed;
}
