import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '@queue-manager/local-stack/system/system';
import { drawOf, randomOf } from '../random.ts';

interface Kill {
  /** Since the previous kill or the start. */
  afterMs: number;
  names: string[];
}

/** Most kills come while the system still recovers; some leave it time to work. */
const pausesMs = { hasty: [200, 3_000], calm: [4_000, 9_000] } as const;
const calmShare = 0.25;
/** Two victims at once: neither can repair what the other leaves. */
const pairShare = 0.2;

/**
 * The endless sequence of kills of a seed, the same for the same names. Every name is killed once before any is killed
 * again, so that a short run also kills all of them.
 */
export function* planKills(seed: string, names: readonly string[]): Generator<Kill> {
  const random = randomOf(`${seed} kills`);
  const draw = drawOf(names, random);
  for (;;) {
    const [min, max] = random() < calmShare ? pausesMs.calm : pausesMs.hasty;
    const afterMs = Math.round(min + random() * (max - min));
    const victims = new Set([draw()]);
    if (random() < pairShare) victims.add(draw());
    yield { afterMs, names: [...victims] };
  }
}

/**
 * Kills by plan until the time is over.
 *
 * @param onKill called for each kill of a running process.
 * @returns the number of kills by name; a victim that was not running does not count.
 */
export async function killByPlan(
  system: Pick<System, 'kill' | 'pids'>,
  plan: Iterable<Kill>,
  durationMs: number,
  signal: AbortSignal,
  onKill: (atMs: number, name: string) => void,
): Promise<Map<string, number>> {
  const killed = new Map<string, number>();
  const startedAt = performance.now();
  let atMs = 0;
  for (const { afterMs, names } of plan) {
    atMs += afterMs;
    const remainingMs = Math.min(atMs, durationMs) - (performance.now() - startedAt);
    await delay(Math.max(0, remainingMs), undefined, { signal });
    if (atMs >= durationMs) break;
    for (const name of names) {
      if (system.pids(name).length === 0) continue;
      system.kill(name, 'SIGKILL');
      killed.set(name, (killed.get(name) ?? 0) + 1);
      onKill(performance.now() - startedAt, name);
    }
  }
  return killed;
}
