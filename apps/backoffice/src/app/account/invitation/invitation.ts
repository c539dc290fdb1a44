import { Component, computed, inject, input, signal } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { bodyOf, problemCode, type Success } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import { Heading } from '../../parts/heading.ts';
import { Icon } from '../../parts/icon.ts';
import { injectText } from '../../parts/language.ts';
import { Api } from '../../session/api.ts';
import { returnToParam } from '../../session/guards.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { Session } from '../../session/session.ts';
import { Venues } from '../../session/venues.ts';
import { AccountPage } from '../account-page.ts';
import { isolated } from '../isolated.ts';
import { texts } from '../strings.ts';

const roleTexts = { host: 'nowHost', manager: 'nowManager', owner: 'nowOwner' } as const;

/** Where the link in an invitation leads. */
@Component({
  imports: [AccountPage, Heading, Icon, RouterLink],
  template: `
    <qm-account-page>
      @if (membership(); as membership) {
        <span class="empty-mark" aria-hidden="true"><qm-icon name="check" /></span>
        <div class="stack-close">
          <h1 [qmHeading]="text('joined', { venue: isolated(membership.venueName) })"></h1>
          <p class="lead">{{ text(roleTexts[membership.role]) }}</p>
        </div>
        <a class="button main" routerLink="/">{{ text('goOn') }}</a>
      } @else if (isInvalid()) {
        <div class="stack-close">
          <h1 [qmHeading]="text('linkInvalid')"></h1>
          <p class="lead">{{ text('invitationInvalid') }}</p>
        </div>
        <a class="button" routerLink="/">{{ text('toStart') }}</a>
      } @else {
        <span class="empty-mark" aria-hidden="true"><qm-icon name="people" /></span>
        <div class="stack-close">
          <h1 [qmHeading]="text('invited')"></h1>
          <p class="lead">{{ text('invitedLead') }}</p>
        </div>
        <div class="card stack">
          @if (account(); as account) {
            <div>
              <p>{{ text('signedInAs') }}</p>
              <p class="address"><bdi dir="ltr">{{ account.email }}</bdi></p>
            </div>
            <p class="error" role="alert">{{ failure() }}</p>
            <button
              type="button"
              class="button main"
              [attr.aria-disabled]="isBusy()"
              (click)="accept()"
            >
              {{ text(isBusy() ? 'accepting' : 'accept') }}
            </button>
            <button type="button" class="button" (click)="leave()">{{ text('otherAccount') }}</button>
          } @else {
            <a class="button main" routerLink="/sign-in" [queryParams]="andBack()">
              {{ text('signInToAccept') }}
            </a>
            <a class="button" routerLink="/sign-up" [queryParams]="andBack()">
              {{ text('signUp') }}
            </a>
          }
        </div>
      }
    </qm-account-page>
  `,
})
export class Invitation {
  /** From the address. */
  readonly token = input<string>();
  protected readonly text = injectText(texts);
  protected readonly isolated = isolated;
  protected readonly roleTexts = roleTexts;
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #venues = inject(Venues);
  readonly #router = inject(Router);
  readonly #problemText = injectProblemText();
  /** One for all presses: the response to the first may have been lost. */
  readonly #idempotencyKey = newKey();
  protected readonly account = this.#session.account;
  protected readonly membership = signal<Success<'acceptInvitation'> | null>(null);
  protected readonly isBusy = signal(false);
  protected readonly failure = signal<string | null>(null);
  readonly #isRefused = signal(false);
  protected readonly isInvalid = computed(() => this.#isRefused() || this.token() === undefined);
  protected readonly andBack = computed(() => ({
    [returnToParam]: `/invitations/accept?token=${this.token()}`,
  }));

  protected async accept(): Promise<void> {
    const token = this.token();
    if (this.isBusy() || token === undefined) return;
    this.isBusy.set(true);
    this.failure.set(null);
    try {
      const options = { body: { token }, idempotencyKey: this.#idempotencyKey };
      const answer = await this.#api.call('acceptInvitation', options);
      const code = answer.ok ? null : problemCode(answer.problem);
      if (code === 'forbidden') this.failure.set(this.text('invitedOther'));
      else if (code === 'invalid-token' || code === 'validation-failed') this.#isRefused.set(true);
      else {
        const membership = bodyOf('acceptInvitation', answer);
        await this.#venues.read();
        this.membership.set(membership);
      }
    } catch (error) {
      this.failure.set(this.#problemText(error));
    } finally {
      this.isBusy.set(false);
    }
  }

  /** Signs out, and comes back with another account. */
  protected async leave(): Promise<void> {
    this.failure.set(null);
    try {
      const isOut = await this.#session.signOut();
      const queryParams = this.andBack();
      if (isOut) await this.#router.navigate(['/sign-in'], { queryParams });
    } catch (error) {
      this.failure.set(this.#problemText(error));
    }
  }
}
