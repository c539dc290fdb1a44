import { Component } from '@angular/core';
import { Heading } from '../../parts/heading.ts';
import { injectText } from '../../parts/language.ts';
import { AboutForm } from './about-form.ts';
import { DeleteAccount } from './delete-account.ts';
import { ExportData } from './export-data.ts';
import { PasswordForm } from './password-form.ts';
import { SessionList } from './session-list.ts';
import { texts } from './strings.ts';

/** One's own account. */
@Component({
  imports: [AboutForm, DeleteAccount, ExportData, Heading, PasswordForm, SessionList],
  host: { class: 'narrow stack' },
  template: `
    <h1 [qmHeading]="text('title')"></h1>
    <qm-about-form class="card stack" />
    <qm-password-form class="card stack" />
    <qm-session-list class="card stack" />
    <qm-export-data class="card stack" />
    <qm-delete-account class="card stack" />
  `,
})
export class Profile {
  protected readonly text = injectText(texts);
}
