import {
  afterNextRender,
  Component,
  type ElementRef,
  inject,
  input,
  viewChild,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { bodyOf } from '@queue-manager/client/client';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { injectText } from '../../parts/language.ts';
import { PasswordField } from '../../parts/password-field.ts';
import { returnUrl } from '../../session/guards.ts';
import { injectCodeText } from '../../session/problem-text.ts';
import { Session } from '../../session/session.ts';
import { AccountPage } from '../account-page.ts';
import { injectChecks, injectForm } from '../form.ts';
import { texts } from '../strings.ts';

@Component({
  imports: [AccountPage, Field, Heading, Input, PasswordField, RouterLink],
  template: `
    <qm-account-page>
      <div class="stack-close">
        <h1 [qmHeading]="text('signIn')"></h1>
        <p class="lead">{{ text('signInLead') }}</p>
      </div>
      <form class="card stack" novalidate (submit)="submit($event)">
        <qm-field [label]="text('email')" [error]="form.fault('email')">
          <input
            #email
            qmInput
            type="email"
            name="email"
            autocomplete="username"
            autocapitalize="none"
            spellcheck="false"
          />
        </qm-field>
        <qm-password-field [label]="text('password')" [error]="form.fault('password')" />
        <p class="error" role="alert">{{ form.failure() }}</p>
        <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
          {{ text(form.isBusy() ? 'signingIn' : 'signIn') }}
        </button>
        <a class="centred" routerLink="/reset" queryParamsHandling="preserve">{{ text('forgot') }}</a>
      </form>
      <p class="centred">
        <span class="muted">{{ text('newHere') }}</span>
        {{ ' ' }}<a routerLink="/sign-up" queryParamsHandling="preserve">{{ text('signUp') }}</a>
      </p>
    </qm-account-page>
  `,
})
export class SignIn {
  /** From the address. */
  readonly returnTo = input<string>();
  protected readonly text = injectText(texts);
  protected readonly form = injectForm<'email' | 'password'>({
    explain: (code) =>
      code === 'invalid-credentials' ? { password: this.#codeText(code) } : undefined,
  });
  readonly #check = injectChecks();
  readonly #codeText = injectCodeText();
  readonly #session = inject(Session);
  readonly #router = inject(Router);
  private readonly email = viewChild.required<ElementRef<HTMLInputElement>>('email');

  constructor() {
    afterNextRender(() => this.email().nativeElement.focus());
  }

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ email, password }) => ({
        email: this.#check.email(email),
        password: this.#check.password(password),
      }),
      async ({ email, password }) => {
        bodyOf('login', await this.#session.signIn(email.trim(), password));
        await this.#router.navigateByUrl(returnUrl(this.returnTo()));
      },
    );
  }
}
