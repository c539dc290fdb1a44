import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '@queue-manager/local-stack/system/system';

/** Between two restarts: time for the system to work as a whole. */
const pauseMs = 1_000;

/**
 * Restarts the services one after the other, as a deployment does, each when the one before is ready again. Begins no
 * restart after `durationMs`, but restarts each service at least once.
 *
 * @param onRestart called for each restart that has ended.
 * @returns the number of restarts by name.
 */
export async function restartInTurn(
  system: Pick<System, 'restart'>,
  services: readonly string[],
  durationMs: number,
  signal: AbortSignal,
  onRestart: (atMs: number, name: string, tookMs: number) => void,
): Promise<Map<string, number>> {
  const restarted = new Map<string, number>();
  const startedAt = performance.now();
  for (let round = 0; round === 0 || performance.now() - startedAt < durationMs; round += 1) {
    for (const name of services) {
      await delay(pauseMs, undefined, { signal });
      const atMs = performance.now() - startedAt;
      if (round > 0 && atMs >= durationMs) break;
      await system.restart(name);
      restarted.set(name, (restarted.get(name) ?? 0) + 1);
      onRestart(atMs, name, performance.now() - startedAt - atMs);
    }
  }
  return restarted;
}
