import { DIALOG_DATA, DialogRef } from '@angular/cdk/dialog';
import { Component, inject } from '@angular/core';
import { DialogFrame } from '../../parts/dialog-frame.ts';
import { injectText } from '../../parts/language.ts';
import { CopyField } from '../copy-field.ts';
import { texts } from './strings.ts';

/** Shows a new API key, once. */
@Component({
  imports: [CopyField, DialogFrame],
  template: `
    <qm-dialog [title]="text('newKey')">
      <qm-copy-field
        [label]="text('newKey')"
        [hint]="text('newKeyLead')"
        [value]="key"
        [isAddress]="false"
      />
      <button actions type="button" class="button main" (click)="ref.close()">
        {{ text('done') }}
      </button>
    </qm-dialog>
  `,
})
export class NewKeyDialog {
  protected readonly text = injectText(texts);
  protected readonly ref = inject(DialogRef);
  protected readonly key = inject<{ key: string }>(DIALOG_DATA).key;
}
