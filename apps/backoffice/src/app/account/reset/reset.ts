import { Component, inject, input, signal } from '@angular/core';
import { Router } from '@angular/router';
import { bodyOf } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import { passwordLength } from '@queue-manager/contracts/field-limits';
import { Heading } from '../../parts/heading.ts';
import { injectText } from '../../parts/language.ts';
import { PasswordField } from '../../parts/password-field.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { Session } from '../../session/session.ts';
import { AccountPage } from '../account-page.ts';
import { injectChecks, injectForm } from '../form.ts';
import { RequestMail } from '../request-mail.ts';
import { texts } from '../strings.ts';

/** Asks for a link to choose a new password; where that link leads, asks for the password. */
@Component({
  imports: [AccountPage, Heading, PasswordField, RequestMail],
  template: `
    <qm-account-page>
      @if (token() === undefined || isInvalid()) {
        <qm-request-mail
          [heading]="text(isInvalid() ? 'linkInvalid' : 'forgot')"
          [lead]="text(isInvalid() ? 'resetInvalid' : 'forgotLead')"
          [sentLead]="text('sentReset')"
          [send]="request"
        />
      } @else {
        <div class="stack-close">
          <h1 [qmHeading]="text('resetTitle')"></h1>
          <p class="lead">{{ text('resetLead') }}</p>
        </div>
        <form class="card stack" novalidate (submit)="submit($event)">
          <qm-password-field
            [label]="text('newPassword')"
            autocomplete="new-password"
            [hint]="text('passwordHint', { n: passwordMin })"
            [error]="form.fault('password')"
          />
          <p class="error" role="alert">{{ form.failure() }}</p>
          <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
            {{ text(form.isBusy() ? 'saving' : 'savePassword') }}
          </button>
        </form>
      }
    </qm-account-page>
  `,
})
export class Reset {
  /** From the address. */
  readonly token = input<string>();
  protected readonly text = injectText(texts);
  protected readonly isInvalid = signal(false);
  protected readonly passwordMin = passwordLength.min;
  protected readonly form = injectForm<'password'>({
    explain: (code) => {
      if (code !== 'invalid-token') return undefined;
      this.isInvalid.set(true);
      return '';
    },
  });
  readonly #check = injectChecks();
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #router = inject(Router);
  readonly #toasts = inject(Toasts);

  protected readonly request = async (email: string) => {
    const options = { body: { email }, idempotencyKey: newKey() };
    bodyOf('forgotPassword', await this.#api.callPublic('forgotPassword', options));
  };

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ password }) => ({ password: this.#check.newPassword(password) }),
      async ({ password }, idempotencyKey) => {
        const body = { token: this.token() ?? '', password };
        const options = { body, idempotencyKey };
        bodyOf('resetPassword', await this.#api.callPublic('resetPassword', options));
        // It may be the account of this browser, whose session has ended with all others.
        if (this.#session.account() !== null) this.#session.leave();
        await this.#router.navigateByUrl('/sign-in');
        this.#toasts.show({ text: this.text('passwordReset') });
      },
    );
  }
}
