import { effect, Injector, inject, untracked } from '@angular/core';
import { Session } from './session.ts';

/** Asks for the password whenever the session has ended; once in the app. */
export function askWhenEnded(): void {
  const session = inject(Session);
  const injector = inject(Injector);
  effect(() => {
    if (session.state() === 'ended') untracked(() => void ask());
  });

  async function ask(): Promise<void> {
    const [{ Dialogs }, { PasswordDialog }] = await Promise.all([
      import('../parts/dialogs.ts'),
      import('./password-dialog.ts'),
    ]);
    if (session.state() !== 'ended') return;
    await injector.get(Dialogs).open(PasswordDialog, undefined, { disableClose: true });
  }
}
