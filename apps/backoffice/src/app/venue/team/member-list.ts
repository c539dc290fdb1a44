import { Component, computed, inject, input, resource } from '@angular/core';
import { Router } from '@angular/router';
import { everyItem, type Success } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import { injectConfirm } from '../../parts/confirm.ts';
import { injectText } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { Session } from '../../session/session.ts';
import { type Role, Venues } from '../../session/venues.ts';
import { LoadState } from '../load-state.ts';
import { texts } from './strings.ts';

type Member = Success<'listMembers'>['data'][number];

const roles: Role[] = ['host', 'manager', 'owner'];

@Component({
  selector: 'qm-member-list',
  imports: [LoadState],
  template: `
    <h2 #heading tabindex="-1">{{ text('members') }}</h2>
    <qm-load-state [of]="members" />
    @if (members.hasValue()) {
      <ul class="rows">
        @for (member of members.value(); track member.userId) {
          <li>
            <p class="row">
              <bdi class="strong">{{ nameOf(member) }}</bdi>
              @if (member.userId === ownId()) {
                <span class="chip">{{ text('you') }}</span>
              }
            </p>
            @if (isOwner()) {
              <div class="row actions">
                <select
                  class="input role"
                  [attr.aria-label]="text('roleOf', { name: nameOf(member) })"
                  (change)="setRole(member, $any($event.target))"
                >
                  @for (role of roles; track role) {
                    <option [value]="role" [selected]="role === member.role">
                      {{ text(role) }}
                    </option>
                  }
                </select>
                <button type="button" class="button danger" (click)="remove(member, heading)">
                  {{ text(member.userId === ownId() ? 'leave' : 'remove') }}
                  <span class="hidden">{{ nameOf(member) }}</span>
                </button>
              </div>
            } @else {
              <span class="muted">{{ text(member.role) }}</span>
            }
          </li>
        }
      </ul>
    }
  `,
  styles: `
    .role {
      inline-size: auto;
      min-block-size: var(--target);
    }
    @media (max-width: 30rem) {
      .actions {
        inline-size: 100%;
      }
      .actions > * {
        flex: 1 1 7rem;
        padding-inline: var(--space-2);
      }
      .actions > .role {
        padding-inline-end: 2.25rem;
      }
    }
  `,
})
export class MemberList {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  readonly #api = inject(Api);
  readonly #venues = inject(Venues);
  readonly #session = inject(Session);
  readonly #toasts = inject(Toasts);
  readonly #confirm = injectConfirm();
  readonly #problemText = injectProblemText();
  readonly #router = inject(Router);
  protected readonly roles = roles;
  protected readonly ownId = computed(() => this.#session.account()?.id);
  protected readonly isOwner = computed(() => this.#venues.may(this.venueId(), 'owner'));
  protected readonly members = resource({
    params: this.venueId,
    loader: ({ params: venueId }) =>
      Array.fromAsync(
        everyItem((page) =>
          this.#api.succeed('listMembers', { params: { venueId }, query: { limit: 100, ...page } }),
        ),
      ),
  });

  protected nameOf({ name }: Member): string {
    return name ?? this.text('nameless');
  }

  protected async setRole(member: Member, select: HTMLSelectElement): Promise<void> {
    const role = select.value as Role;
    try {
      const changed = await this.#api.succeed('updateMember', {
        params: { venueId: this.venueId(), userId: member.userId },
        body: { role },
        idempotencyKey: newKey(),
      });
      this.members.update((members) =>
        members?.map((one) => (one.userId === changed.userId ? changed : one)),
      );
      this.#toasts.show({
        text: this.text('roleChanged', { name: this.nameOf(changed), role: this.text(role) }),
      });
      // What one may do oneself has changed.
      if (member.userId === this.ownId()) await this.#venues.read();
    } catch (error) {
      select.value = member.role;
      this.#toasts.show({ text: this.#problemText(error) });
    }
  }

  /** The focus goes to the heading: the pressed button goes with its member. */
  protected async remove(member: Member, heading: HTMLElement): Promise<void> {
    const isSelf = member.userId === this.ownId();
    const name = this.nameOf(member);
    const isSure = await this.#confirm({
      title: isSelf ? this.text('leaveAsk') : this.text('removeAsk', { name }),
      text: this.text(isSelf ? 'leaveLead' : 'removeLead'),
      action: this.text(isSelf ? 'leave' : 'removeSure'),
      isDangerous: true,
    });
    if (!isSure) return;
    try {
      await this.#api.succeed('removeMember', {
        params: { venueId: this.venueId(), userId: member.userId },
        idempotencyKey: newKey(),
      });
    } catch (error) {
      this.#toasts.show({ text: this.#problemText(error) });
      return;
    }
    if (isSelf) {
      this.#toasts.show({ text: this.text('left') });
      this.#venues.remove(this.venueId());
      await this.#router.navigateByUrl('/');
      return;
    }
    this.members.update((members) => members?.filter(({ userId }) => userId !== member.userId));
    this.#toasts.show({ text: this.text('removed', { name }) });
    heading.focus();
  }
}
