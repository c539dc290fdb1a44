import { DialogRef } from '@angular/cdk/dialog';
import { Component, inject, signal } from '@angular/core';
import { DialogFrame } from '../parts/dialog-frame.ts';
import { Field, Input } from '../parts/field.ts';
import { injectText } from '../parts/language.ts';
import { texts } from './strings.ts';

/** Asks a manager why somebody is let in although the venue is full; closes with the reason. */
@Component({
  imports: [DialogFrame, Field, Input],
  template: `
    <qm-dialog [title]="text('fullTitle')">
      <p>{{ text('fullHint') }}</p>
      <form id="override-form" novalidate (submit)="submit($event, reason.value)">
        <qm-field [label]="text('reason')" [error]="error()">
          <input #reason qmInput maxlength="200" autocomplete="off" dir="auto" />
        </qm-field>
      </form>
      <button actions type="submit" form="override-form" class="button main">
        {{ text('letIn') }}
      </button>
      <button actions type="button" class="button" (click)="ref.close()">{{ text('cancel') }}</button>
    </qm-dialog>
  `,
})
export class OverrideDialog {
  protected readonly text = injectText(texts);
  protected readonly ref = inject<DialogRef<string>>(DialogRef);
  protected readonly error = signal<string | null>(null);

  protected submit(event: Event, reason: string): void {
    event.preventDefault();
    if (reason.trim() === '') this.error.set(this.text('reasonMissing'));
    else this.ref.close(reason.trim());
  }
}
