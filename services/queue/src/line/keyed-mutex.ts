/** One holder at a time for each key, within this process. */
export type KeyedMutex = {
  /** Waits for the key's earlier holders; resolves with the function that releases it. */
  acquire(key: string): Promise<() => void>;
};

/** Ours, because a map of async-mutex's mutexes would keep every key for ever. */
export function createKeyedMutex(): KeyedMutex {
  const last = new Map<string, Promise<void>>();
  return {
    async acquire(key) {
      const before = last.get(key);
      const { promise, resolve } = Promise.withResolvers<void>();
      last.set(key, promise);
      await before;
      return () => {
        if (last.get(key) === promise) last.delete(key);
        resolve();
      };
    },
  };
}
