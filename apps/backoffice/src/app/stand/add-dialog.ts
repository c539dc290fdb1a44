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
    @if (key() === null) {
      <qm-dialog [title]="text('addTitle', { queue: queue.name })">
        @if (queue.state !== 'open') {
          <p class="notice warning">
            <qm-icon name="warning" />{{ text(queue.state === 'paused' ? 'isPaused' : 'isClosed') }}
          </p>
        }
        <form #form id="add-form" novalidate (submit)="submit($event)">
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
        <button actions type="submit" form="add-form" class="button main">{{ text('add') }}</button>
      </qm-dialog>
    } @else {
      <qm-dialog class="printed" [title]="text('added')">
        <qm-ticket-view [row]="row()" />
        <button #done actions type="button" class="button main" (click)="ref.close()">
          {{ text('done') }}
        </button>
        @if (row()?.ticketUrl) {
          <button actions type="button" class="button" (click)="print()">
            <qm-icon name="printer" />{{ text('print') }}
          </button>
        }
        <button actions type="button" class="button" (click)="again()">
          <qm-icon name="plus" />{{ text('addAnother') }}
        </button>
      </qm-dialog>
    }
  `,
})
export class AddDialog {
  protected readonly text = injectText(texts);
  protected readonly ref = inject(DialogRef);
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
    const pressed = await this.#presses.press(doing);
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
