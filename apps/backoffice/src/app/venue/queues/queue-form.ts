import { Component, inject, input, output } from '@angular/core';
import { Field, Input } from '../../parts/field.ts';
import { injectText } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import type { Queue } from '../queues-of.ts';
import { texts as sharedTexts } from '../strings.ts';
import { injectVenueForm } from '../venue-form.ts';
import { texts } from './strings.ts';

type Name =
  | 'name'
  | 'maxPartySize'
  | 'maxWaiting'
  | 'graceMinutes'
  | 'text'
  | 'endMessage'
  | 'boardLabels'
  | 'selfJoin';

@Component({
  selector: 'qm-queue-form',
  imports: [Field, Input],
  styleUrl: '../form-parts.css',
  templateUrl: './queue-form.html',
})
export class QueueForm {
  readonly queue = input.required<Queue>();
  readonly saved = output<Queue>();
  protected readonly text = injectText(texts);
  protected readonly sharedText = injectText(sharedTexts);
  readonly #fields = injectVenueForm<Name>();
  protected readonly form = this.#fields.form;
  readonly #api = inject(Api);
  readonly #toasts = inject(Toasts);

  protected submit(event: Event): Promise<void> {
    return this.form.submit(
      event,
      ({ name, maxPartySize, maxWaiting, graceMinutes }) => ({
        name: this.#fields.faultIn('name', name),
        // Only the number of those who wait may be unlimited.
        maxPartySize: this.#fields.faultIn('maxPartySize', maxPartySize || '0'),
        maxWaiting: this.#fields.faultIn('maxWaiting', maxWaiting),
        graceMinutes: this.isSameGrace(graceMinutes)
          ? null
          : this.#fields.faultIn('graceMinutes', graceMinutes || '0'),
      }),
      async ({ name, maxPartySize, maxWaiting, graceMinutes, ...rest }, idempotencyKey) => {
        const queue = await this.#api.succeed('updateQueue', {
          params: { queueId: this.queue().id },
          body: {
            name: name.trim(),
            maxPartySize: Number(maxPartySize),
            maxWaiting: maxWaiting === '' ? null : Number(maxWaiting),
            ...(this.isSameGrace(graceMinutes)
              ? {}
              : { callGraceSeconds: Number(graceMinutes) * 60 }),
            text: rest.text.trim() || null,
            endMessage: rest.endMessage.trim() || null,
            boardLabels: rest.boardLabels as Queue['boardLabels'],
            selfJoin: rest.selfJoin === 'on',
          },
          idempotencyKey,
        });
        this.saved.emit(queue);
        this.#toasts.show({ text: this.sharedText('saved') });
      },
    );
  }

  /** Programs may have set seconds, which stay as they are unless they are changed. */
  protected graceMinutes(): string {
    return String(Math.round((this.queue().callGraceSeconds / 60) * 100) / 100);
  }

  private isSameGrace(minutes: string): boolean {
    return minutes === this.graceMinutes();
  }
}
