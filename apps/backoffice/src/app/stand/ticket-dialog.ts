import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, computed, inject } from '@angular/core';
import type { Row } from '../line/row.ts';
import { VenueLine } from '../live/venue-line.ts';
import { DialogFrame } from '../parts/dialog-frame.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { texts } from './strings.ts';
import { TicketView } from './ticket-view.ts';

/** The row of a party, as it is now. */
export function injectRow(key: () => string | null) {
  const venueLine = inject(VenueLine);
  return computed<Row | null>(() => {
    const wanted = key();
    return wanted === null ? null : (venueLine.row(wanted) ?? null);
  });
}

export const printPage = () => print();

@Component({
  imports: [DialogFrame, Icon, TicketView],
  template: `
    <qm-dialog class="printed" [title]="text('ticket')">
      <qm-ticket-view [row]="row()" />
      <button actions type="button" class="button main" (click)="ref.close()">
        {{ text('done') }}
      </button>
      @if (row()?.ticketUrl) {
        <button actions type="button" class="button" (click)="print()">
          <qm-icon name="printer" />{{ text('print') }}
        </button>
      }
    </qm-dialog>
  `,
})
export class TicketDialog {
  protected readonly text = injectText(texts);
  protected readonly ref = inject(DialogRef);
  readonly #data = inject<{ key: string }>(DIALOG_DATA);
  protected readonly row = injectRow(() => this.#data.key);
  protected readonly print = printPage;
}
