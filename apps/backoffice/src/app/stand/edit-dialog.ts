import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, inject, viewChild } from '@angular/core';
import type { Queue } from '@queue-manager/contracts/queues';
import type { Row } from '../line/row.ts';
import { injectPartyName } from '../live/party-name.ts';
import { Presses } from '../live/presses.ts';
import { DialogFrame } from '../parts/dialog-frame.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { PartyFields, type PartyValues } from './party-fields.ts';
import { texts } from './strings.ts';
import { injectRow } from './ticket-dialog.ts';

type Data = { row: Row; queue: Queue; mayOverride: boolean };

/** Everything that is known of a party, to read and to change. */
@Component({
  imports: [DialogFrame, Icon, PartyFields],
  template: `
    <qm-dialog [title]="nameOf(current() ?? data.row)">
      @if (current()?.possibleDuplicate) {
        <p class="notice warning"><qm-icon name="warning" />{{ text('duplicateHint') }}</p>
      }
      <form id="edit-form" novalidate (submit)="submit($event)">
        <qm-party-fields #fields [row]="data.row" [maxSize]="maxSize" [isOpen]="true" />
      </form>
      <button actions type="submit" form="edit-form" class="button main">{{ text('save') }}</button>
    </qm-dialog>
  `,
})
export class EditDialog {
  protected readonly text = injectText(texts);
  protected readonly nameOf = injectPartyName();
  readonly #ref = inject(DialogRef);
  protected readonly data = inject<Data>(DIALOG_DATA);
  readonly #presses = inject(Presses);
  protected readonly current = injectRow(() => this.data.row.key);
  protected readonly maxSize = Math.max(this.data.queue.maxPartySize, this.data.row.size);
  private readonly fields = viewChild.required<PartyFields>('fields');

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    const values = this.fields().read(event.currentTarget as HTMLFormElement);
    if (values === null) return;
    const { row, mayOverride } = this.data;
    // Only what was changed here: somebody else may have changed the rest.
    const changes = Object.fromEntries(
      Object.entries(values).filter(([field, value]) => row[field as keyof PartyValues] !== value),
    );
    this.#ref.close();
    if (Object.keys(changes).length > 0) {
      await this.#presses.press({ kind: 'edit', party: row.key, changes }, mayOverride);
    }
  }
}
