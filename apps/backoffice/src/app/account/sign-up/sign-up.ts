import {
  afterNextRender,
  Component,
  type ElementRef,
  inject,
  input,
  signal,
  viewChild,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import { bodyOf } from '@queue-manager/client/client';
import { passwordLength } from '@queue-manager/contracts/field-limits';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { PasswordField } from '../../parts/password-field.ts';
import { Api } from '../../session/api.ts';
import { AccountPage } from '../account-page.ts';
import { afterSignUp } from '../after-sign-up.ts';
import { CheckMail } from '../check-mail.ts';
import { injectChecks, injectForm } from '../form.ts';
import { injectResendVerification } from '../resend-verification.ts';
import { texts } from '../strings.ts';

/** Creates an account, which becomes one when the link in its mail is opened. */
@Component({
  imports: [AccountPage, CheckMail, Field, Heading, Input, PasswordField, RouterLink],
  template: `
    <qm-account-page>
      @if (sentTo(); as email) {
        <qm-check-mail [lead]="text('sentVerification')" [email]="email" [send]="resend">
          <p class="centred">
            <button type="button" class="button quiet" (click)="sentTo.set(null)">
              {{ text('otherEmail') }}
            </button>
          </p>
        </qm-check-mail>
      } @else {
        <div class="stack-close">
          <h1 [qmHeading]="text('signUpTitle')"></h1>
          <p class="lead">{{ text('signUpLead') }}</p>
        </div>
        <form class="card stack" novalidate (submit)="submit($event)">
          <qm-field [label]="text('name')" [error]="form.fault('name')">
            <input #name qmInput name="name" autocomplete="name" dir="auto" />
          </qm-field>
          <qm-field [label]="text('email')" [error]="form.fault('email')">
            <input
              qmInput
              type="email"
              name="email"
              autocomplete="username"
              autocapitalize="none"
              spellcheck="false"
            />
          </qm-field>
          <qm-password-field
            [label]="text('password')"
            autocomplete="new-password"
            [hint]="text('passwordHint', { n: passwordMin })"
            [error]="form.fault('password')"
          />
          <p class="error" role="alert">{{ form.failure() }}</p>
          <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
            {{ text(form.isBusy() ? 'creating' : 'signUp') }}
          </button>
        </form>
        <p class="centred">
          <span class="muted">{{ text('haveAccount') }}</span>
          {{ ' ' }}<a routerLink="/sign-in" queryParamsHandling="preserve">{{ text('signIn') }}</a>
        </p>
      }
    </qm-account-page>
  `,
})
export class SignUp {
  /** From the address. */
  readonly returnTo = input<string>();
  protected readonly text = injectText(texts);
  protected readonly form = injectForm<'name' | 'email' | 'password'>();
  protected readonly sentTo = signal<string | null>(null);
  protected readonly resend = injectResendVerification();
  protected readonly passwordMin = passwordLength.min;
  readonly #check = injectChecks();
  readonly #api = inject(Api);
  readonly #language = inject(ReaderLanguage);
  private readonly name = viewChild<ElementRef<HTMLInputElement>>('name');

  constructor() {
    afterNextRender(() => this.name()?.nativeElement.focus());
  }

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ name, email, password }) => ({
        name: this.#check.name(name),
        email: this.#check.email(email),
        password: this.#check.newPassword(password),
      }),
      async ({ name, email: written, password }, idempotencyKey) => {
        const email = written.trim();
        const { language: locale } = this.#language.reader();
        const body = { name: name.trim(), email, password, locale };
        const options = { body, idempotencyKey };
        bodyOf('signUp', await this.#api.callPublic('signUp', options));
        afterSignUp.keep(this.returnTo());
        this.sentTo.set(email);
      },
    );
  }
}
