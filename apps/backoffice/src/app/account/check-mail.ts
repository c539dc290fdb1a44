import { Component, input, signal } from '@angular/core';
import { Heading } from '../parts/heading.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { injectProblemText } from '../session/problem-text.ts';
import { texts } from './strings.ts';

/** Requests a mail to an address. Throws like `Api.succeed`. */
export type SendMail = (email: string) => Promise<unknown>;

/** Says that a mail is under way, and sends it again if it does not come. */
@Component({
  selector: 'qm-check-mail',
  imports: [Heading, Icon],
  host: { class: 'stack' },
  template: `
    <span class="empty-mark" aria-hidden="true"><qm-icon name="mail" /></span>
    <div class="stack-close">
      <h1 [qmHeading]="text('checkMail')"></h1>
      <p class="lead">{{ lead() }}</p>
      <p class="address"><bdi dir="ltr">{{ email() }}</bdi></p>
    </div>
    <div class="card stack">
      <p>{{ text('noMail') }}</p>
      <div class="row">
        <button
          type="button"
          class="button"
          [attr.aria-disabled]="isSending()"
          (click)="sendAgain()"
        >
          {{ text(isSending() ? 'sending' : 'sendAgain') }}
        </button>
        <span role="status">{{ isSent() ? text('sentAgain') : '' }}</span>
      </div>
      <p class="error" role="alert">{{ failure() }}</p>
    </div>
    <ng-content />
  `,
})
export class CheckMail {
  readonly lead = input.required<string>();
  readonly email = input.required<string>();
  readonly send = input.required<SendMail>();
  protected readonly text = injectText(texts);
  protected readonly isSending = signal(false);
  protected readonly isSent = signal(false);
  protected readonly failure = signal<string | null>(null);
  readonly #problemText = injectProblemText();

  protected async sendAgain(): Promise<void> {
    if (this.isSending()) return;
    this.isSending.set(true);
    this.isSent.set(false);
    this.failure.set(null);
    try {
      await this.send()(this.email());
      this.isSent.set(true);
    } catch (error) {
      this.failure.set(this.#problemText(error));
    } finally {
      this.isSending.set(false);
    }
  }
}
