import { DialogRef } from '@angular/cdk/dialog';
import { Component, inject } from '@angular/core';
import { DialogFrame } from '../../parts/dialog-frame.ts';
import { injectText } from '../../parts/language.ts';
import { PasswordField } from '../../parts/password-field.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { Session } from '../../session/session.ts';
import { injectChecks, injectForm } from '../form.ts';
import { texts as accountTexts } from '../strings.ts';
import { texts } from './strings.ts';

/** Asks for the password before the account is deleted. */
@Component({
  imports: [DialogFrame, PasswordField],
  template: `
    <qm-dialog [title]="text('deleteQuestion')">
      <p>{{ text('deleteLead') }}</p>
      <form id="delete-form" class="stack-close" novalidate (submit)="submit($event)">
        <qm-password-field [label]="text('yourPassword')" [error]="form.fault('password')" />
        <p class="error" role="alert">{{ form.failure() }}</p>
      </form>
      <button
        actions
        type="submit"
        form="delete-form"
        class="button main danger"
        [attr.aria-disabled]="form.isBusy()"
      >
        {{ text(form.isBusy() ? 'deleting' : 'deleteSure') }}
      </button>
    </qm-dialog>
  `,
})
export class DeleteDialog {
  protected readonly text = injectText(texts);
  readonly #accountText = injectText(accountTexts);
  protected readonly form = injectForm<'password'>({
    explain: (code) => {
      if (code === 'invalid-credentials') return { password: this.#accountText('passwordWrong') };
      return code === 'last-owner' ? this.text('lastOwner') : undefined;
    },
  });
  readonly #check = injectChecks();
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #toasts = inject(Toasts);
  readonly #ref = inject(DialogRef);

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ password }) => ({ password: this.#check.password(password) }),
      async (body, idempotencyKey) => {
        await this.#api.succeed('deleteMe', { body, idempotencyKey });
        this.#ref.close();
        // Deletes the cookie; its session ends with the account in any case.
        await this.#api.callPublic('logout', {}).catch(() => {});
        await this.#session.forget();
        this.#toasts.show({ text: this.text('deleted') });
      },
    );
  }
}
