import { Component, inject } from '@angular/core';
import { Router } from '@angular/router';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { Api } from '../../session/api.ts';
import { type Venue, Venues } from '../../session/venues.ts';
import { LocaleField } from '../locale-field.ts';
import { TimezoneField } from '../timezone-field.ts';
import { injectVenueForm } from '../venue-form.ts';
import { texts } from './strings.ts';

type Name = 'name' | 'queueName' | 'timezone' | 'locale';

/** A venue with its first queue, in one form. What the browser knows is filled in. */
@Component({
  imports: [Field, Heading, Input, LocaleField, TimezoneField],
  host: { class: 'narrow stack' },
  styleUrl: '../form-parts.css',
  template: `
    <div class="stack-close">
      <h1 [qmHeading]="text(isFirst ? 'title' : 'another')"></h1>
      <p class="lead">{{ text('lead') }}</p>
    </div>
    <form class="card stack" novalidate (submit)="submit($event)">
      <qm-field [label]="text('venueName')" [error]="form.fault('name')">
        <input qmInput name="name" autocomplete="organization" dir="auto" />
      </qm-field>
      <qm-field
        [label]="text('queueName')"
        [hint]="text('queueHint')"
        [error]="form.fault('queueName')"
      >
        <input
          qmInput
          name="queueName"
          autocomplete="off"
          dir="auto"
          [value]="text('queueDefault')"
        />
      </qm-field>
      <div class="pair">
        <qm-timezone-field [value]="timezone" [error]="form.fault('timezone')" />
        <qm-locale-field
          [value]="locale"
          [hint]="text('localeHint')"
          [error]="form.fault('locale')"
        />
      </div>
      <p class="error" role="alert">{{ form.failure() }}</p>
      <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
        {{ text(form.isBusy() ? 'creating' : 'create') }}
      </button>
    </form>
    @if (isFirst) {
      <p class="muted">{{ text('invited') }}</p>
    }
  `,
})
export class FirstRun {
  protected readonly text = injectText(texts);
  readonly #fields = injectVenueForm<Name>();
  protected readonly form = this.#fields.form;
  readonly #api = inject(Api);
  readonly #venues = inject(Venues);
  readonly #router = inject(Router);
  protected readonly isFirst = (this.#venues.all() ?? []).length === 0;
  protected readonly timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  protected readonly locale = inject(ReaderLanguage).reader().tag.replace(/-u-.*/, '');
  /** Created by an attempt whose queue could not be created. */
  #venue: Venue | null = null;

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ name, queueName }) => ({
        name: this.#fields.faultIn('name', name),
        queueName: this.#fields.faultIn('queueName', queueName),
      }),
      async ({ name, queueName, timezone, locale }, idempotencyKey) => {
        const venue = await this.#save({ name: name.trim(), timezone, locale }, idempotencyKey);
        const queue = await this.#api.succeed('createQueue', {
          params: { venueId: venue.id },
          body: { name: queueName.trim() },
          idempotencyKey: `${idempotencyKey}-queue`,
        });
        this.#venues.set(venue);
        await this.#router.navigate(['/venues', venue.id, 'poster'], {
          queryParams: { queueId: queue.id },
        });
      },
    );
  }

  async #save(
    body: Pick<Venue, 'name' | 'timezone' | 'locale'>,
    idempotencyKey: string,
  ): Promise<Venue> {
    this.#venue =
      this.#venue === null
        ? await this.#api.succeed('createVenue', { body, idempotencyKey })
        : await this.#api.succeed('updateVenue', { params: { venueId: this.#venue.id }, body });
    return this.#venue;
  }
}
