import { Component, inject, input } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { injectText } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { injectVenueForm } from '../venue-form.ts';
import { texts } from './strings.ts';

@Component({
  imports: [Field, Heading, Input, RouterLink],
  host: { class: 'stack' },
  template: `
    <h1 [qmHeading]="text('newQueue')"></h1>
    <form class="card stack" novalidate (submit)="submit($event)">
      <qm-field [label]="text('name')" [hint]="text('nameHint')" [error]="form.fault('name')">
        <input qmInput name="name" autocomplete="off" dir="auto" />
      </qm-field>
      <p class="error" role="alert">{{ form.failure() }}</p>
      <div class="row">
        <button type="submit" class="button main" [attr.aria-disabled]="form.isBusy()">
          {{ text(form.isBusy() ? 'creating' : 'create') }}
        </button>
        <a class="button quiet" routerLink="..">{{ text('back') }}</a>
      </div>
    </form>
  `,
})
export class NewQueue {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  readonly #fields = injectVenueForm<'name'>();
  protected readonly form = this.#fields.form;
  readonly #api = inject(Api);
  readonly #toasts = inject(Toasts);
  readonly #router = inject(Router);

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ name }) => ({ name: this.#fields.faultIn('name', name) }),
      async ({ name }, idempotencyKey) => {
        const { id } = await this.#api.succeed('createQueue', {
          params: { venueId: this.venueId() },
          body: { name: name.trim() },
          idempotencyKey,
        });
        this.#toasts.show({ text: this.text('created') });
        await this.#router.navigate(['/venues', this.venueId(), 'settings', 'queues', id]);
      },
    );
  }
}
