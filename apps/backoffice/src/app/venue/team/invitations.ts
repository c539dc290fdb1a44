import { Component, computed, inject, input, resource } from '@angular/core';
import { everyItem, type Success } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import { timeFormat } from '@queue-manager/ui/formats';
import { Field, Input } from '../../parts/field.ts';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { injectForm } from '../../session/form.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { type Role, Venues } from '../../session/venues.ts';
import { LoadState } from '../load-state.ts';
import { texts } from './strings.ts';

type Invitation = Success<'listInvitations'>['data'][number];

@Component({
  selector: 'qm-invitations',
  imports: [Field, Input, LoadState],
  styleUrl: '../form-parts.css',
  template: `
    <form class="card stack" novalidate (submit)="submit($event)">
      <h2>{{ text('invite') }}</h2>
      <div class="pair">
        <qm-field [label]="text('email')" [error]="form.fault('email')">
          <input qmInput type="email" name="email" autocomplete="off" dir="auto" />
        </qm-field>
        <qm-field [label]="text('role')" [error]="form.fault('role')">
          <select qmInput name="role">
            @for (role of roles(); track role) {
              <option [value]="role">{{ text(role) }}</option>
            }
          </select>
        </qm-field>
      </div>
      <p class="error" role="alert">{{ form.failure() }}</p>
      <div>
        <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
          {{ text(form.isBusy() ? 'sending' : 'send') }}
        </button>
      </div>
    </form>
    <section class="card stack">
      <h2 #heading tabindex="-1">{{ text('invitations') }}</h2>
      <qm-load-state [of]="invitations" />
      @if (invitations.hasValue()) {
        <ul class="rows">
          @for (invitation of invitations.value(); track invitation.id) {
            <li>
              <div>
                <p class="address"><bdi dir="ltr">{{ invitation.email }}</bdi></p>
                <p class="muted small">
                  {{
                    text('validUntil', {
                      role: text(invitation.role),
                      date: dateOf(invitation.expiresAt),
                    })
                  }}
                </p>
              </div>
              @if (roles().includes(invitation.role)) {
                <button type="button" class="button" (click)="revoke(invitation, heading)">
                  {{ text('revoke') }}<span class="hidden"> {{ invitation.email }}</span>
                </button>
              }
            </li>
          } @empty {
            <li class="muted">{{ text('noInvitations') }}</li>
          }
        </ul>
      }
    </section>
  `,
})
export class Invitations {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  protected readonly form = injectForm<'email' | 'role'>({
    invalid: () => this.text('emailInvalid'),
  });
  readonly #api = inject(Api);
  readonly #venues = inject(Venues);
  readonly #toasts = inject(Toasts);
  readonly #problemText = injectProblemText();
  readonly #language = inject(ReaderLanguage);
  /** Those that the reader may grant. */
  protected readonly roles = computed<Role[]>(() =>
    this.#venues.may(this.venueId(), 'owner') ? ['host', 'manager', 'owner'] : ['host'],
  );
  protected readonly invitations = resource({
    params: this.venueId,
    loader: ({ params: venueId }) =>
      Array.fromAsync(
        everyItem((page) =>
          this.#api.succeed('listInvitations', {
            params: { venueId },
            query: { limit: 100, ...page },
          }),
        ),
      ),
  });

  protected submit(event: Event): Promise<void> {
    const element = event.currentTarget as HTMLFormElement;
    return this.form.submit(
      event,
      ({ email }) => ({
        email: /^\S+@\S+\.\S+$/.test(email.trim()) ? null : this.text('emailInvalid'),
      }),
      async ({ email, role }, idempotencyKey) => {
        const invitation = await this.#api.succeed('createInvitation', {
          params: { venueId: this.venueId() },
          body: { email: email.trim(), role: role as Role },
          idempotencyKey,
        });
        element.reset();
        this.#toasts.show({ text: this.text('sent', { email: invitation.email }) });
        this.invitations.reload();
      },
    );
  }

  /** The focus goes to the heading: the pressed button goes with its invitation. */
  protected async revoke({ id }: Invitation, heading: HTMLElement): Promise<void> {
    try {
      await this.#api.succeed('revokeInvitation', {
        params: { venueId: this.venueId(), invitationId: id },
        idempotencyKey: newKey(),
      });
      this.invitations.update((invitations) => invitations?.filter((one) => one.id !== id));
      this.#toasts.show({ text: this.text('revoked') });
      heading.focus();
    } catch (error) {
      this.#toasts.show({ text: this.#problemText(error) });
    }
  }

  protected dateOf(time: string): string {
    const { tag } = this.#language.reader();
    return timeFormat(tag, { dateStyle: 'medium' }).format(new Date(time));
  }
}
