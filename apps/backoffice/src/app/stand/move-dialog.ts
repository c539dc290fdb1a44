import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, inject, signal } from '@angular/core';
import type { Row } from '../line/row.ts';
import { injectPartyName } from '../live/party-name.ts';
import { DialogFrame } from '../parts/dialog-frame.ts';
import { Field, Input } from '../parts/field.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { texts } from './strings.ts';

type Data = {
  row: Row;
  from: number;
  /** Where it was dropped; null if it was not dragged. */
  position: number | null;
  last: number;
};

/** Asks where a party goes and why. Closes with both. */
@Component({
  imports: [DialogFrame, Field, Icon, Input],
  template: `
    <qm-dialog [title]="text('moveTitle', { name: nameOf(data.row) })">
      <form id="move-form" class="stack" novalidate (submit)="submit($event, reason.value)">
        <div class="stack-close">
          <qm-field [label]="text('newPosition', { from: data.from, last: data.last })">
            <input
              #field
              qmInput
              name="position"
              type="text"
              inputmode="numeric"
              maxlength="7"
              autocomplete="off"
              [value]="position()"
              (input)="set(field.value)"
            />
          </qm-field>
          <div class="row">
            <button type="button" class="button" (click)="position.set(1)">{{ text('toFront') }}</button>
            <button type="button" class="button icon-only" (click)="set(position() - 1)">
              <qm-icon name="up" /><span class="hidden">{{ text('onePlaceUp') }}</span>
            </button>
            <button type="button" class="button icon-only" (click)="set(position() + 1)">
              <qm-icon name="down" /><span class="hidden">{{ text('onePlaceDown') }}</span>
            </button>
            <button type="button" class="button" (click)="position.set(data.last)">
              {{ text('toEnd') }}
            </button>
          </div>
        </div>
        <div class="stack-close">
          <qm-field [label]="text('reason')" [error]="error()">
            <input #reason qmInput name="reason" maxlength="200" autocomplete="off" dir="auto" />
          </qm-field>
          <div class="row">
            @for (known of reasons; track known) {
              <button
                type="button"
                class="button small"
                (click)="reason.value = text(known); reason.focus()"
              >
                {{ text(known) }}
              </button>
            }
          </div>
        </div>
      </form>
      <button actions type="submit" form="move-form" class="button main">
        {{ text('moveTo', { position: position() }) }}
      </button>
      <button actions type="button" class="button" (click)="ref.close()">{{ text('cancel') }}</button>
    </qm-dialog>
  `,
  styles: `
    .row {
      gap: var(--space-2);
    }
    .row .button {
      padding-inline: var(--space-3);
    }
  `,
})
export class MoveDialog {
  protected readonly text = injectText(texts);
  protected readonly nameOf = injectPartyName();
  protected readonly ref = inject<DialogRef<{ position: number; reason: string }>>(DialogRef);
  protected readonly data = inject<Data>(DIALOG_DATA);
  protected readonly position = signal(this.data.position ?? Math.max(1, this.data.from - 1));
  protected readonly error = signal<string | null>(null);
  protected readonly reasons = [
    'reasonWheelchair',
    'reasonChildren',
    'reasonBack',
    'reasonTable',
  ] as const;

  protected set(position: number | string): void {
    const wanted = Number(position);
    if (Number.isInteger(wanted)) this.position.set(Math.min(Math.max(wanted, 1), this.data.last));
  }

  protected submit(event: Event, reason: string): void {
    event.preventDefault();
    if (reason.trim() === '') {
      this.error.set(this.text('reasonMissing'));
      (event.currentTarget as HTMLFormElement).querySelector<HTMLElement>('[name=reason]')?.focus();
      return;
    }
    this.ref.close({ position: this.position(), reason: reason.trim() });
  }
}
