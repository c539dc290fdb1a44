import { Component, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Field, Input } from '../parts/field.ts';
import { Heading } from '../parts/heading.ts';
import { injectText } from '../parts/language.ts';
import { CheckMail, type SendMail } from './check-mail.ts';
import { injectChecks, injectForm } from './form.ts';
import { texts } from './strings.ts';

/** Asks for the address that gets a mail with a link. */
@Component({
  selector: 'qm-request-mail',
  imports: [CheckMail, Field, Heading, Input, RouterLink],
  host: { class: 'stack' },
  template: `
    @if (sentTo(); as email) {
      <qm-check-mail [lead]="sentLead()" [email]="email" [send]="send()">
        <p class="centred">
          <button type="button" class="button quiet" (click)="sentTo.set(null)">
            {{ text('otherEmail') }}
          </button>
        </p>
      </qm-check-mail>
    } @else {
      <div class="stack-close">
        <h1 [qmHeading]="heading()"></h1>
        <p class="lead">{{ lead() }}</p>
      </div>
      <form class="card stack" novalidate (submit)="submit($event)">
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
        <p class="error" role="alert">{{ form.failure() }}</p>
        <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
          {{ text(form.isBusy() ? 'sending' : 'sendLink') }}
        </button>
        <a class="centred" routerLink="/sign-in" queryParamsHandling="preserve">
          {{ text('backToSignIn') }}
        </a>
      </form>
    }
  `,
})
export class RequestMail {
  readonly heading = input.required<string>();
  readonly lead = input.required<string>();
  readonly sentLead = input.required<string>();
  readonly send = input.required<SendMail>();
  protected readonly text = injectText(texts);
  protected readonly form = injectForm<'email'>();
  protected readonly sentTo = signal<string | null>(null);
  readonly #check = injectChecks();

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ email }) => ({ email: this.#check.email(email) }),
      async (values) => {
        const email = values.email.trim();
        await this.send()(email);
        this.sentTo.set(email);
      },
    );
  }
}
