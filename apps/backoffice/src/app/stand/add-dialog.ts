import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import {
  afterNextRender,
  Component,
  type ElementRef,
  Injector,
  inject,
  signal,
  viewChild,
} from '@angular/core';
import type { Lane } from '@queue-manager/contracts/parties';
import type { Queue } from '@queue-manager/contracts/queues';
import { firstValueFrom } from 'rxjs';
import { Presses } from '../live/presses.ts';
import { DialogFrame } from '../parts/dialog-frame.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { PartyFields } from './party-fields.ts';
import { texts } from './strings.ts';
import { injectRow, printPage } from './ticket-dialog.ts';
import { TicketView } from './ticket-view.ts';

/** Adds a party by two fields and Enter, and then shows its ticket. */
@Component({
  imports: [DialogFrame, Icon, PartyFields, TicketView],
  template: `
    <qm-dialog
      [class.printed]="key() !== null"
      [title]="key() === null ? text('addTitle', { queue: queue.name }) : text('added')"
    >
      @if (key() === null) {
        <form #form id="add-form" class="stack" novalidate (submit)="submit($event)">
          @if (queue.state !== 'open') {
            <p class="notice warning">
              <qm-icon name="warning" />{{ text(queue.state === 'paused' ? 'isPaused' : 'isClosed') }}
            </p>
          }
          <qm-party-fields #fields [maxSize]="queue.maxPartySize">
            <fieldset>
              <legend class="field-label">{{ text('lane') }}</legend>
              <div class="choices">
                @for (lane of lanes; track lane) {
                  <label class="choice">
                    <input type="radio" name="lane" [value]="lane" [checked]="lane === 'regular'" />
                    {{ text(lane) }}
                  </label>
                }
              </div>
            </fieldset>
          </qm-party-fields>
        </form>
      } @else {
        <qm-ticket-view [row]="row()" />
      }
      <div actions class="dialog-actions">
        @if (key() === null) {
          <button type="submit" form="add-form" class="button main">{{ text('add') }}</button>
        } @else {
          <button #done type="button" class="button main" (click)="ref.close()">
            {{ text('done') }}
          </button>
          @if (row()?.ticketUrl) {
            <button type="button" class="button" (click)="print()">
              <qm-icon name="printer" />{{ text('print') }}
            </button>
          }
          <button type="button" class="button" (click)="again()">
            <qm-icon name="plus" />{{ text('addAnother') }}
          </button>
        }
      </div>
    </qm-dialog>
  `,
})
export class AddDialog {
  protected readonly text = injectText(texts);
  protected readonly ref = inject(DialogRef);
  readonly #closed = firstValueFrom(this.ref.closed, { defaultValue: undefined });
  readonly #presses = inject(Presses);
  readonly #injector = inject(Injector);
  protected readonly queue = inject<{ queue: Queue }>(DIALOG_DATA).queue;
  protected readonly lanes = ['regular', 'priority'] as const satisfies Lane[];
  protected readonly key = signal<string | null>(null);
  protected readonly row = injectRow(() => this.key());
  protected readonly print = printPage;
  private readonly fields = viewChild<PartyFields>('fields');
  private readonly form = viewChild<ElementRef<HTMLFormElement>>('form');
  private readonly done = viewChild<ElementRef<HTMLElement>>('done');

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const values = this.fields()?.read(form) ?? null;
    if (values === null) return;
    const lane = new FormData(form).get('lane') as Lane;
    const doing = { kind: 'add', queueId: this.queue.id, lane, ...values } as const;
    const pressed = await this.#presses.press(doing, false, this.#closed);
    if (pressed === null) return;
    this.key.set(pressed.party);
    afterNextRender(() => this.done()?.nativeElement.focus(), { injector: this.#injector });
  }

  protected again(): void {
    this.key.set(null);
    afterNextRender(
      () => this.form()?.nativeElement.querySelector<HTMLInputElement>('[name=name]')?.focus(),
      { injector: this.#injector },
    );
  }
}
