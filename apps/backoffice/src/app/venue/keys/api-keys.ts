import { Component, inject, input, resource } from '@angular/core';
import { everyItem, type Success } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import { timeFormat } from '@queue-manager/ui/formats';
import { injectConfirm } from '../../parts/confirm.ts';
import { Dialogs } from '../../parts/dialogs.ts';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { LoadState } from '../load-state.ts';
import { injectVenueForm } from '../venue-form.ts';
import { texts } from './strings.ts';

type ApiKey = Success<'listApiKeys'>['data'][number];

@Component({
  imports: [Field, Heading, Input, LoadState],
  host: { class: 'stack' },
  template: `
    <div class="stack-close">
      <h1 [qmHeading]="text('title')"></h1>
      <p class="lead">{{ text('lead') }}</p>
    </div>
    <form class="card stack" novalidate (submit)="submit($event)">
      <qm-field [label]="text('name')" [error]="form.fault('name')">
        <input qmInput name="name" autocomplete="off" dir="auto" />
      </qm-field>
      <p class="error" role="alert">{{ form.failure() }}</p>
      <div>
        <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
          {{ text(form.isBusy() ? 'creating' : 'create') }}
        </button>
      </div>
    </form>
    <section class="card stack">
      <h2 #heading tabindex="-1">{{ text('keys') }}</h2>
      <qm-load-state [of]="keys" />
      @if (keys.hasValue()) {
        <ul class="rows">
          @for (key of keys.value(); track key.id) {
            <li>
              <div>
                <p class="strong"><bdi>{{ key.name }}</bdi></p>
                <p class="muted small">{{ text('createdOn', { date: dateOf(key.createdAt) }) }}</p>
              </div>
              <button type="button" class="button danger" (click)="remove(key, heading)">
                {{ text('remove') }}<span class="hidden"> {{ key.name }}</span>
              </button>
            </li>
          } @empty {
            <li class="muted">{{ text('none') }}</li>
          }
        </ul>
      }
    </section>
  `,
})
export class ApiKeys {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  readonly #fields = injectVenueForm<'name'>();
  protected readonly form = this.#fields.form;
  readonly #api = inject(Api);
  readonly #toasts = inject(Toasts);
  readonly #dialogs = inject(Dialogs);
  readonly #confirm = injectConfirm();
  readonly #problemText = injectProblemText();
  readonly #language = inject(ReaderLanguage);
  protected readonly keys = resource({
    params: this.venueId,
    loader: ({ params: venueId }) =>
      Array.fromAsync(
        everyItem((page) =>
          this.#api.succeed('listApiKeys', { params: { venueId }, query: { limit: 100, ...page } }),
        ),
      ),
  });

  protected submit(event: Event): Promise<void> {
    const element = event.currentTarget as HTMLFormElement;
    return this.form.submit(
      event,
      ({ name }) => ({ name: this.#fields.faultIn('name', name) }),
      async ({ name }, idempotencyKey) => {
        const { key } = await this.#api.succeed('createApiKey', {
          params: { venueId: this.venueId() },
          body: { name: name.trim() },
          idempotencyKey,
        });
        element.reset();
        this.keys.reload();
        if (key === undefined) {
          this.#toasts.show({ text: this.text('unseen') });
          return;
        }
        const { NewKeyDialog } = await import('./new-key-dialog.ts');
        // Not closed by a touch beside it: the key is not shown again.
        void this.#dialogs.open(NewKeyDialog, { key }, { disableClose: true });
      },
    );
  }

  /** The focus goes to the heading: the pressed button goes with its key. */
  protected async remove({ id, name }: ApiKey, heading: HTMLElement): Promise<void> {
    const isSure = await this.#confirm({
      title: this.text('removeAsk', { name }),
      text: this.text('removeLead'),
      action: this.text('removeSure'),
      isDangerous: true,
    });
    if (!isSure) return;
    try {
      await this.#api.succeed('deleteApiKey', {
        params: { venueId: this.venueId(), keyId: id },
        idempotencyKey: newKey(),
      });
      this.keys.update((keys) => keys?.filter((one) => one.id !== id));
      this.#toasts.show({ text: this.text('removed') });
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
