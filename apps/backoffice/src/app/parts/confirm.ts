import { inject } from '@angular/core';
import { ConfirmDialog, type Question } from './confirm-dialog.ts';
import { Dialogs } from './dialogs.ts';

/** Asks before something that cannot be taken back. */
export function injectConfirm(): (question: Question) => Promise<boolean> {
  const dialogs = inject(Dialogs);
  return async (question) =>
    (await dialogs.open<boolean, Question>(ConfirmDialog, question)) ?? false;
}
