/** Values kept in this browser. Storage may be full, forbidden or hold what an older version has written. */
export type Kept = {
  get<T>(name: string): T | null;
  set(name: string, value: unknown): void;
  remove(name: string): void;
};

export function keptIn(storage: () => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>): Kept {
  const attempt = <T>(use: () => T): T | null => {
    try {
      return use();
    } catch {
      return null;
    }
  };
  return {
    get: <T>(name: string) =>
      attempt(() => JSON.parse(storage().getItem(name) ?? 'null') as T | null),
    set: (name, value) => void attempt(() => storage().setItem(name, JSON.stringify(value))),
    remove: (name) => void attempt(() => storage().removeItem(name)),
  };
}

export const kept = keptIn(() => localStorage);

export const keptNowhere: Kept = { get: () => null, set() {}, remove() {} };
