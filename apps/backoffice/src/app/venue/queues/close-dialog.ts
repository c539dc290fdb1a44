import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, inject, signal } from '@angular/core';
import { DialogFrame } from '../../parts/dialog-frame.ts';
import { injectText } from '../../parts/language.ts';
import { texts } from './strings.ts';

/** Asks what becomes of those who wait. Closes with the body of the call. */
@Component({
  imports: [DialogFrame],
  template: `
    <qm-dialog [title]="text('closeAsk')">
      @if (waiting === 0) {
        <p>{{ text('nobodyWaits') }} {{ text('closedMeans') }}</p>
      } @else {
        <fieldset>
          <legend>{{ text('whatOfThose', { n: waiting }) }}</legend>
          <div class="choices">
            @for (isExpiry of [false, true]; track isExpiry) {
              <label class="choice">
                <input
                  type="radio"
                  name="waiting"
                  class="hidden"
                  [checked]="isExpiry === expireWaiting()"
                  (change)="expireWaiting.set(isExpiry)"
                />
                {{ text(isExpiry ? 'expire' : 'keep') }}
              </label>
            }
          </div>
        </fieldset>
      }
      <button
        actions
        type="button"
        class="button main"
        (click)="ref.close({ expireWaiting: expireWaiting() })"
      >
        {{ text('closeSure') }}
      </button>
    </qm-dialog>
  `,
  styles: '.choices { grid-template-columns: 1fr; }',
})
export class CloseDialog {
  protected readonly text = injectText(texts);
  protected readonly ref = inject<DialogRef<{ expireWaiting: boolean }>>(DialogRef);
  protected readonly waiting = inject<{ waiting: number }>(DIALOG_DATA).waiting;
  protected readonly expireWaiting = signal(false);
}
