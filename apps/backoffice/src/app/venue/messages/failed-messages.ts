import { Component, inject, input, resource, signal } from '@angular/core';
import { bodyOf, everyItem, type Success } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import { timeFormat } from '@queue-manager/ui/formats';
import { Empty } from '../../parts/empty.ts';
import { Heading } from '../../parts/heading.ts';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { LoadState } from '../load-state.ts';
import { texts } from './strings.ts';

type Task = Success<'listTasks'>['data'][number];

const textOf = {
  'notify.joined': 'joined',
  'notify.almost-there': 'almostThere',
  'notify.called': 'called',
  'notify.recalled': 'recalled',
  'notify.no-show': 'noShow',
  'notify.removed': 'removed',
  'notify.restored': 'restored',
  'notify.invitation': 'invitation',
} as const;

/** The mails that could not be sent, each with the reason and a button that sends it again. */
@Component({
  imports: [Empty, Heading, LoadState],
  host: { class: 'stack' },
  template: `
    <div class="stack-close">
      <h1 #heading [qmHeading]="text('title')"></h1>
      <p class="lead">{{ text('lead') }}</p>
    </div>
    <qm-load-state [of]="tasks" />
    @if (tasks.hasValue()) {
      @if (tasks.value()!.length === 0) {
        <qm-empty icon="mail" [title]="text('none')" [hint]="text('noneHint')" />
      } @else {
        <section class="card stack">
          <ul class="rows">
            @for (task of tasks.value(); track task.id) {
              <li>
                <div>
                  <p class="strong">{{ nameOf(task) }}</p>
                  @if (recipientOf(task); as recipient) {
                    <p>{{ recipient }}</p>
                  }
                  <p class="muted small">{{ text('triedAt', { date: dateOf(task.updatedAt) }) }}</p>
                  @if (task.lastError; as error) {
                    <p class="error" lang="en"><bdi>{{ error }}</bdi></p>
                  }
                </div>
                <button
                  type="button"
                  class="button"
                  [attr.aria-disabled]="isBusy()"
                  (click)="retry([task], heading)"
                >
                  {{ text('tryAgain') }}<span class="hidden">: {{ nameOf(task) }}</span>
                </button>
              </li>
            }
          </ul>
          @if (tasks.value()!.length > 1) {
            <div>
              <button
                type="button"
                class="button main"
                [attr.aria-disabled]="isBusy()"
                (click)="retry(tasks.value()!, heading)"
              >
                {{ text('allAgain') }}
              </button>
            </div>
          }
        </section>
      }
    }
  `,
})
export class FailedMessages {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  readonly #api = inject(Api);
  readonly #toasts = inject(Toasts);
  readonly #problemText = injectProblemText();
  readonly #language = inject(ReaderLanguage);
  protected readonly isBusy = signal(false);
  /** The names of their guests, by party; null for one whose data has been deleted. */
  readonly #guests = signal<ReadonlyMap<string, string | null>>(new Map());
  protected readonly tasks = resource({
    params: this.venueId,
    loader: async ({ params: venueId }) => {
      const tasks = await Array.fromAsync(
        everyItem((page) =>
          this.#api.succeed('listTasks', {
            params: { venueId },
            query: { state: 'failed', limit: 100, ...page },
          }),
        ),
      );
      void this.#readGuests(tasks);
      return tasks;
    },
  });

  /** They are extra: without them, the list is of use, too. */
  async #readGuests(tasks: Task[]): Promise<void> {
    const guests = new Map(this.#guests());
    for (const { partyId } of tasks) {
      if (partyId === null || guests.has(partyId)) continue;
      const answer = await this.#api.call('getParty', { params: { partyId } }).catch(() => null);
      if (answer === null) return;
      if (answer.ok) guests.set(partyId, answer.body.name);
      else if (answer.status === 404) guests.set(partyId, null);
      this.#guests.set(new Map(guests));
    }
  }

  protected nameOf({ kind }: Task): string {
    return kind in textOf
      ? this.text(textOf[kind as keyof typeof textOf])
      : this.text('otherTask', { kind });
  }

  protected recipientOf({ partyId }: Task): string | null {
    const name = partyId === null ? undefined : this.#guests().get(partyId);
    if (name === undefined) return null;
    return name === null ? this.text('goneGuest') : this.text('guest', { name });
  }

  /** The focus goes to the heading: the pressed button goes with its message. */
  protected async retry(tasks: Task[], heading: HTMLElement): Promise<void> {
    if (this.isBusy()) return;
    this.isBusy.set(true);
    try {
      for (const { id } of tasks) {
        const answer = await this.#api.call('retryTask', {
          params: { taskId: id },
          idempotencyKey: newKey(),
        });
        // Somebody else has tried it again.
        if (answer.status !== 409) bodyOf('retryTask', answer);
        this.tasks.update((all) => all?.filter((task) => task.id !== id));
      }
      this.#toasts.show({ text: this.text('again') });
      heading.focus();
    } catch (error) {
      this.#toasts.show({ text: this.#problemText(error) });
    } finally {
      this.isBusy.set(false);
    }
  }

  protected dateOf(time: string): string {
    const { tag } = this.#language.reader();
    return timeFormat(tag, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time));
  }
}
