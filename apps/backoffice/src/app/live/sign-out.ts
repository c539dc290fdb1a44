import { Injector, inject, runInInjectionContext } from '@angular/core';
import { Session } from '../session/session.ts';
import { openStore } from './store.ts';

/** Deletes what is kept of lines when an account signs out, and asks first if presses would be lost; once in the app. */
export function forgetOnSignOut(): void {
  const injector = inject(Injector);
  // A device that cannot store anything keeps nothing.
  const opened = () => openStore().catch(() => null);
  inject(Session).keeps({
    async mayLeave({ id }) {
      const presses = (await (await opened())?.pressesOf(id)) ?? 0;
      if (presses === 0) return true;
      const { askUnsent } = await import('./ask-unsent.ts');
      return runInInjectionContext(injector, () => askUnsent(presses));
    },
    async forget({ id }) {
      await (await opened())?.forget(id);
    },
  });
}
