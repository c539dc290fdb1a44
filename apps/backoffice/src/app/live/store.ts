import type { LineStore } from '../line/line-store.ts';

let store: Promise<LineStore> | null = null;

/** What is kept of lines on this device, opened once. */
export function openStore(): Promise<LineStore> {
  store ??= import('../line/line-store.ts')
    .then(({ openLineStore }) => openLineStore())
    .catch((error) => {
      store = null;
      throw error;
    });
  return store;
}
