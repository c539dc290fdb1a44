import type { Clock } from '@queue-manager/service-kit/clock';

export type ExpiringCache<V> = {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
};

/** Keeps values for some seconds, at most `sizeMax` of them: the oldest go first. */
export function createExpiringCache<V>(options: {
  clock: Clock;
  seconds: number;
  sizeMax: number;
}): ExpiringCache<V> {
  const { clock, seconds, sizeMax } = options;
  // A Map keeps the order of insertion, which is the order in which its entries expire.
  const entries = new Map<string, { value: V; until: number }>();

  return {
    get(key) {
      const entry = entries.get(key);
      return entry !== undefined && clock.now().getTime() < entry.until ? entry.value : undefined;
    },
    set(key, value) {
      const now = clock.now().getTime();
      entries.delete(key);
      for (const [oldest, { until }] of entries) {
        if (entries.size < sizeMax && until > now) break;
        entries.delete(oldest);
      }
      entries.set(key, { value, until: now + seconds * 1_000 });
    },
  };
}
