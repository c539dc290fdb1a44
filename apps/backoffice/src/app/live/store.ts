import { signal } from '@angular/core';
import type { LineStore } from '../line/line-store.ts';

let store: Promise<LineStore> | null = null;
const blocked = signal(false);

/** Whether a tab with an older version of the app keeps the store from opening. */
export const isStoreBlocked = blocked.asReadonly();

/** What is kept of lines on this device, opened once. */
export function openStore(): Promise<LineStore> {
  store ??= import('../line/line-store.ts')
    .then(({ openLineStore }) =>
      openLineStore({
        onBlocked: () => blocked.set(true),
        // Presses could not be kept any more; all that were made are.
        onReplaced: () => location.reload(),
      }),
    )
    .catch((error) => {
      store = null;
      throw error;
    })
    .finally(() => blocked.set(false));
  return store;
}
