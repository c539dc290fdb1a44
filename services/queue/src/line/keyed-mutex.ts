/** Runs work one at a time for each key, within this process; a failure lets the next one run as well. */
export type KeyedMutex = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Ours rather than a library's: those keep a mutex for every key they ever saw. */
export function createKeyedMutex(): KeyedMutex {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
