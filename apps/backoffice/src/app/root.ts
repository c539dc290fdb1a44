import { Component, inject } from '@angular/core';
import { RouterOutlet } from '@angular/router';
import { forgetOnSignOut } from './live/sign-out.ts';
import { ReaderLanguage } from './parts/language.ts';
import { ToastList } from './parts/toast-list.ts';
import { askWhenEnded } from './session/password-prompt.ts';
import { Theme } from './shell/theme.ts';
import { followUpdates } from './shell/updates.ts';

@Component({
  selector: 'qm-root',
  imports: [RouterOutlet, ToastList],
  template: '<router-outlet /><qm-toast-list />',
})
export class Root {
  constructor() {
    // They set the language and the theme of the document.
    inject(ReaderLanguage);
    inject(Theme);
    askWhenEnded();
    forgetOnSignOut();
    followUpdates();
  }
}
