import {
  afterNextRender,
  Component,
  type ElementRef,
  inject,
  input,
  signal,
  viewChild,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { injectText } from '../../parts/language.ts';
import { PasswordField } from '../../parts/password-field.ts';
import { returnUrl } from '../../session/guards.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { Session } from '../../session/session.ts';
import { AccountPage } from '../account-page.ts';
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
        <qm-field [label]="text('email')" [error]="emailError()">
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
        <qm-password-field [label]="text('password')" [error]="passwordError()" />
        <button type="submit" class="button main" [attr.aria-disabled]="isSigningIn()">
          {{ text(isSigningIn() ? 'signingIn' : 'signIn') }}
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
  protected readonly isSigningIn = signal(false);
  protected readonly emailError = signal<string | null>(null);
  protected readonly passwordError = signal<string | null>(null);
  readonly #problemText = injectProblemText();
  readonly #session = inject(Session);
  readonly #router = inject(Router);
  private readonly email = viewChild.required<ElementRef<HTMLInputElement>>('email');
  private readonly password = viewChild.required(PasswordField);

  constructor() {
    afterNextRender(() => this.email().nativeElement.focus());
  }

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    if (this.isSigningIn()) return;
    const email = this.email().nativeElement.value.trim();
    const password = this.password().value;
    this.emailError.set(email === '' ? this.text('emailMissing') : null);
    this.passwordError.set(password === '' ? this.text('passwordMissing') : null);
    if (email === '') return this.email().nativeElement.focus();
    if (password === '') return this.password().focus();

    this.isSigningIn.set(true);
    try {
      const answer = await this.#session.signIn(email, password);
      if (answer.ok) await this.#router.navigateByUrl(returnUrl(this.returnTo()));
      else this.#refuse(this.#problemText(answer));
    } catch (error) {
      this.#refuse(this.#problemText(error));
    } finally {
      this.isSigningIn.set(false);
    }
  }

  #refuse(reason: string): void {
    this.passwordError.set(reason);
    this.password().focus();
  }
}
