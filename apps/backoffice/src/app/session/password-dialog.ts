import { DialogRef } from '@angular/cdk/dialog';
import { Component, effect, inject, signal, viewChild } from '@angular/core';
import { problemCode } from '@queue-manager/client/client';
import { DialogFrame } from '../parts/dialog-frame.ts';
import { injectText } from '../parts/language.ts';
import { PasswordField } from '../parts/password-field.ts';
import { injectProblemText } from './problem-text.ts';
import { Session } from './session.ts';
import { texts } from './strings.ts';

/** Asks for the password of the account whose session has ended; calls that wait go on afterwards. */
@Component({
  imports: [DialogFrame, PasswordField],
  template: `
    <qm-dialog [title]="text('sessionEnded')">
      <p>{{ text('sessionEndedHint') }}</p>
      <form id="password-form" class="stack-close" novalidate (submit)="submit($event)">
        <!-- For password managers. -->
        <input
          class="hidden"
          type="email"
          name="email"
          autocomplete="username"
          tabindex="-1"
          aria-hidden="true"
          readonly
          [value]="account()?.email"
        />
        <p class="muted"><bdi>{{ account()?.email }}</bdi></p>
        <qm-password-field [label]="text('password')" [error]="error()" />
      </form>
      <button
        actions
        type="submit"
        form="password-form"
        class="button main"
        [attr.aria-disabled]="isChecking()"
      >
        {{ text(isChecking() ? 'checking' : 'goOn') }}
      </button>
      <button actions type="button" class="button" (click)="signOut()">
        {{ text('signOut') }}
      </button>
    </qm-dialog>
  `,
})
export class PasswordDialog {
  protected readonly session = inject(Session);
  protected readonly text = injectText(texts);
  protected readonly account = this.session.account;
  protected readonly error = signal<string | null>(null);
  protected readonly isChecking = signal(false);
  readonly #problemText = injectProblemText();
  private readonly field = viewChild.required(PasswordField);

  constructor() {
    const ref = inject(DialogRef);
    // Also when the password has been given in another tab.
    effect(() => {
      if (this.session.state() !== 'ended') ref.close();
    });
  }

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    const account = this.account();
    if (this.isChecking() || account === null) return;
    const password = this.field().value;
    if (password === '') return this.#refuse(this.text('passwordMissing'));
    this.isChecking.set(true);
    try {
      const answer = await this.session.signIn(account.email, password);
      if (!answer.ok) {
        const isWrong = problemCode(answer.problem) === 'invalid-credentials';
        this.#refuse(isWrong ? this.text('passwordWrong') : this.#problemText(answer));
      }
    } catch (error) {
      this.#refuse(this.#problemText(error));
    } finally {
      this.isChecking.set(false);
    }
  }

  protected async signOut(): Promise<void> {
    try {
      await this.session.signOut();
    } catch (error) {
      this.#refuse(this.#problemText(error));
    }
  }

  #refuse(reason: string): void {
    this.error.set(reason);
    this.field().focus();
  }
}
