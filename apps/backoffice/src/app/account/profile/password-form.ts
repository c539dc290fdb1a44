import { Component, inject } from '@angular/core';
import { passwordLength } from '@queue-manager/contracts/field-limits';
import { injectText } from '../../parts/language.ts';
import { PasswordField } from '../../parts/password-field.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { Session } from '../../session/session.ts';
import { injectChecks, injectForm } from '../form.ts';
import { texts as accountTexts } from '../strings.ts';
import { texts } from './strings.ts';

@Component({
  selector: 'qm-password-form',
  imports: [PasswordField],
  template: `
    <div class="stack-close">
      <h2>{{ text('passwordTitle') }}</h2>
      <p class="muted">{{ text('passwordLead') }}</p>
    </div>
    <form class="stack" novalidate (submit)="submit($event)">
      <!-- For password managers. -->
      <input
        class="hidden"
        type="email"
        autocomplete="username"
        tabindex="-1"
        aria-hidden="true"
        readonly
        [value]="account()?.email"
      />
      <qm-password-field
        name="currentPassword"
        [label]="text('currentPassword')"
        [error]="form.fault('currentPassword')"
      />
      <qm-password-field
        name="newPassword"
        autocomplete="new-password"
        [label]="text('newPassword')"
        [hint]="accountText('passwordHint', { n: passwordMin })"
        [error]="form.fault('newPassword')"
      />
      <p class="error" role="alert">{{ form.failure() }}</p>
      <div>
        <button type="submit" class="button" [attr.aria-disabled]="form.isBusy()">
          {{ text(form.isBusy() ? 'saving' : 'changePassword') }}
        </button>
      </div>
    </form>
  `,
})
export class PasswordForm {
  protected readonly text = injectText(texts);
  protected readonly accountText = injectText(accountTexts);
  protected readonly passwordMin = passwordLength.min;
  protected readonly form = injectForm<'currentPassword' | 'newPassword'>({
    explain: (code) =>
      code === 'invalid-credentials'
        ? { currentPassword: this.accountText('passwordWrong') }
        : undefined,
  });
  readonly #check = injectChecks();
  readonly #api = inject(Api);
  readonly #toasts = inject(Toasts);
  protected readonly account = inject(Session).account;

  protected submit(event: Event): Promise<void> {
    const form = event.currentTarget as HTMLFormElement;
    return this.form.submit(
      event,
      ({ currentPassword, newPassword }) => ({
        currentPassword: this.#check.password(currentPassword),
        newPassword: this.#check.newPassword(newPassword),
      }),
      async (body, idempotencyKey) => {
        await this.#api.succeed('changePassword', { body, idempotencyKey });
        form.reset();
        this.#toasts.show({ text: this.text('passwordChanged') });
      },
    );
  }
}
