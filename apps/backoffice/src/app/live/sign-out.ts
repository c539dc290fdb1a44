import { Injector, inject, runInInjectionContext } from '@angular/core';
import { Session } from '../session/session.ts';
import { openStore } from './store.ts';

/** Deletes what is kept of lines when an account signs out, and asks first if presses would be lost; once in the app. */
export function forgetOnSignOut(): void {
  const injector = inject(Injector);
  inject(Session).beforeSignOut(async ({ id }) => {
    const store = await openStore().catch(() => null);
    const presses = (await store?.pressesOf(id)) ?? 0;
    if (presses > 0) {
      const { askUnsent } = await import('./ask-unsent.ts');
      if (!(await runInInjectionContext(injector, () => askUnsent(presses)))) return false;
    }
    await store?.forget(id);
    return true;
  });
}
