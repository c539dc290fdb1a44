import { Component } from '@angular/core';
import { Icon } from '../parts/icon.ts';
import { LanguageSelect } from '../parts/language-select.ts';

/** The page of a screen for which nobody needs to be signed in. */
@Component({
  selector: 'qm-account-page',
  imports: [Icon, LanguageSelect],
  host: { class: 'account-page' },
  template: `
    <header class="brand"><qm-icon name="people" /> Queue Manager</header>
    <main class="stack"><ng-content /></main>
    <footer><qm-language-select /></footer>
  `,
})
export class AccountPage {}
