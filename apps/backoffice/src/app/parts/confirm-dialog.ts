import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, inject } from '@angular/core';
import { DialogFrame } from './dialog-frame.ts';
import { injectText } from './language.ts';
import { texts } from './strings.ts';

export type Question = {
  title: string;
  text?: string;
  /** The button that goes on; names what happens: "Delete the venue". */
  action: string;
  isDangerous?: boolean;
};

@Component({
  imports: [DialogFrame],
  template: `
    <qm-dialog [title]="question.title">
      @if (question.text; as text) {
        <p>{{ text }}</p>
      }
      <button
        actions
        type="button"
        class="button main"
        [class.danger]="question.isDangerous"
        (click)="ref.close(true)"
      >
        {{ question.action }}
      </button>
      <button actions type="button" class="button" (click)="ref.close(false)">
        {{ text('cancel') }}
      </button>
    </qm-dialog>
  `,
})
export class ConfirmDialog {
  protected readonly text = injectText(texts);
  protected readonly question = inject<Question>(DIALOG_DATA);
  protected readonly ref = inject<DialogRef<boolean>>(DialogRef);
}
