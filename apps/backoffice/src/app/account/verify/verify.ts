import { Component, inject, input, type OnInit, signal } from '@angular/core';
import { Router } from '@angular/router';
import { bodyOf, problemCode, RefusedCall, type Success } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import { Heading } from '../../parts/heading.ts';
import { injectText } from '../../parts/language.ts';
import { PasswordField } from '../../parts/password-field.ts';
import { Api } from '../../session/api.ts';
import { returnUrl } from '../../session/guards.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { Session } from '../../session/session.ts';
import { AccountPage } from '../account-page.ts';
import { afterSignUp } from '../after-sign-up.ts';
import { injectChecks, injectForm } from '../form.ts';
import { isolated } from '../isolated.ts';
import { RequestMail } from '../request-mail.ts';
import { injectResendVerification } from '../resend-verification.ts';
import { texts } from '../strings.ts';

/** Where the link in the mail to a new account leads. */
@Component({
  imports: [AccountPage, Heading, PasswordField, RequestMail],
  template: `
    <qm-account-page>
      @if (user(); as user) {
        <div class="stack-close">
          <h1 [qmHeading]="text('welcome', { name: isolated(user.name) })"></h1>
          <p class="lead">{{ text('confirmed') }}</p>
        </div>
        <form class="card stack" novalidate (submit)="signIn($event)">
          <p class="address"><bdi dir="ltr">{{ user.email }}</bdi></p>
          <!-- For password managers. -->
          <input
            class="hidden"
            type="email"
            name="email"
            autocomplete="username"
            tabindex="-1"
            aria-hidden="true"
            readonly
            [value]="user.email"
          />
          <qm-password-field [label]="text('password')" [error]="form.fault('password')" />
          <p class="error" role="alert">{{ form.failure() }}</p>
          <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
            {{ text(form.isBusy() ? 'signingIn' : 'signIn') }}
          </button>
        </form>
      } @else if (isInvalid()) {
        <qm-request-mail
          [heading]="text('linkInvalid')"
          [lead]="text('verifyInvalid')"
          [sentLead]="text('sentVerification')"
          [send]="resend"
        />
      } @else if (failure()) {
        <h1 [qmHeading]="text('notConfirmed')"></h1>
        <p class="lead" role="alert">{{ failure() }}</p>
        <p><button type="button" class="button main" (click)="verify()">{{ text('tryAgain') }}</button></p>
      } @else {
        <h1 [qmHeading]="text('confirming')"></h1>
      }
    </qm-account-page>
  `,
})
export class Verify implements OnInit {
  /** From the address. */
  readonly token = input<string>();
  protected readonly text = injectText(texts);
  protected readonly isolated = isolated;
  protected readonly user = signal<Success<'verifyUser'> | null>(null);
  protected readonly isInvalid = signal(false);
  protected readonly failure = signal<string | null>(null);
  protected readonly form = injectForm<'email' | 'password'>({
    explain: (code) =>
      code === 'invalid-credentials' ? { password: this.text('passwordWrong') } : undefined,
  });
  protected readonly resend = injectResendVerification();
  readonly #check = injectChecks();
  readonly #problemText = injectProblemText();
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #router = inject(Router);
  /** One for all attempts: the response to the first may have been lost. */
  readonly #idempotencyKey = newKey();

  ngOnInit(): void {
    void this.verify();
  }

  protected async verify(): Promise<void> {
    const token = this.token();
    this.isInvalid.set(token === undefined);
    this.failure.set(null);
    if (token === undefined) return;
    try {
      const options = { body: { token }, idempotencyKey: this.#idempotencyKey };
      this.user.set(bodyOf('verifyUser', await this.#api.callPublic('verifyUser', options)));
    } catch (error) {
      const code = error instanceof RefusedCall ? problemCode(error.problem) : null;
      if (code === 'invalid-token' || code === 'validation-failed') this.isInvalid.set(true);
      else this.failure.set(this.#problemText(error));
    }
  }

  protected signIn(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ password }) => ({ password: this.#check.password(password) }),
      async ({ password }) => {
        const email = this.user()?.email ?? '';
        bodyOf('login', await this.#session.signIn(email, password));
        await this.#router.navigateByUrl(returnUrl(afterSignUp.take()));
      },
    );
  }
}
