import { Component, computed, inject, input } from '@angular/core';
import { Router } from '@angular/router';
import { newKey } from '@queue-manager/client/new-key';
import { Dialogs } from '../../parts/dialogs.ts';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { injectText } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { Venues } from '../../session/venues.ts';
import { LocaleField } from '../locale-field.ts';
import { texts as sharedTexts } from '../strings.ts';
import { TimezoneField } from '../timezone-field.ts';
import { injectVenueForm } from '../venue-form.ts';
import { AccentField } from './accent-field.ts';
import type { NameQuestion } from './name-dialog.ts';
import { texts } from './strings.ts';

type Name =
  | 'name'
  | 'timezone'
  | 'locale'
  | 'capacity'
  | 'dayStartsAt'
  | 'retentionDays'
  | 'accentColor'
  | 'feed';

@Component({
  imports: [AccentField, Field, Heading, Input, LocaleField, TimezoneField],
  host: { class: 'stack' },
  styleUrl: '../form-parts.css',
  templateUrl: './venue-settings.html',
})
export class VenueSettings {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  protected readonly sharedText = injectText(sharedTexts);
  readonly #fields = injectVenueForm<Name>();
  protected readonly form = this.#fields.form;
  readonly #api = inject(Api);
  readonly #venues = inject(Venues);
  readonly #toasts = inject(Toasts);
  readonly #dialogs = inject(Dialogs);
  readonly #router = inject(Router);
  protected readonly venue = computed(() => this.#venues.find(this.venueId()));
  protected readonly isOwner = computed(() => this.#venues.may(this.venueId(), 'owner'));

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ name, capacity, retentionDays }) => ({
        name: this.#fields.faultIn('name', name),
        capacity: this.#fields.faultIn('capacity', capacity),
        // It is never unlimited.
        retentionDays: this.#fields.faultIn('retentionDays', retentionDays || '0'),
      }),
      async (
        { name, timezone, locale, capacity, dayStartsAt, retentionDays, accentColor, feed },
        idempotencyKey,
      ) => {
        this.#venues.set(
          await this.#api.succeed('updateVenue', {
            params: { venueId: this.venueId() },
            body: {
              name: name.trim(),
              timezone,
              locale,
              capacity: capacity === '' ? null : Number(capacity),
              dayStartsAt,
              retentionDays: Number(retentionDays),
              accentColor: accentColor === '' ? null : accentColor,
              feed: feed === 'on',
            },
            idempotencyKey,
          }),
        );
        this.#toasts.show({ text: this.sharedText('saved') });
      },
    );
  }

  protected async delete(name: string): Promise<void> {
    const { NameDialog } = await import('./name-dialog.ts');
    const question: NameQuestion = {
      title: this.text('deleteTitle'),
      lead: this.text('deleteLead'),
      name,
      run: () =>
        this.#api.succeed('deleteVenue', {
          params: { venueId: this.venueId() },
          idempotencyKey: newKey(),
        }),
    };
    if (!(await this.#dialogs.open<boolean>(NameDialog, question))) return;
    this.#venues.remove(this.venueId());
    this.#toasts.show({ text: this.text('deleted') });
    await this.#router.navigateByUrl('/');
  }
}
