import { CdkDialogContainer, DialogRef } from '@angular/cdk/dialog';
import { Component, inject, input } from '@angular/core';
import { Icon } from './icon.ts';
import { injectText } from './language.ts';
import { texts } from './strings.ts';

/**
 * The frame of a dialog: its title and a button that closes it. Elements with the attribute `actions` stand at its end,
 * the main one first.
 */
@Component({
  selector: 'qm-dialog',
  imports: [Icon],
  host: { class: 'dialog' },
  template: `
    <div class="dialog-head">
      <h2 [id]="titleId">{{ title() }}</h2>
      @if (!ref.disableClose) {
        <button type="button" class="button quiet icon-only" (click)="ref.close()">
          <qm-icon name="close" /><span class="hidden">{{ text('close') }}</span>
        </button>
      }
    </div>
    <ng-content />
    <div class="dialog-actions"><ng-content select="[actions]" /></div>
  `,
})
export class DialogFrame {
  readonly title = input.required<string>();
  protected readonly text = injectText(texts);
  protected readonly ref = inject(DialogRef);
  protected readonly titleId = `${this.ref.id}-title`;

  constructor() {
    // The container is the element with the role.
    const { containerInstance } = this.ref;
    if (containerInstance instanceof CdkDialogContainer) {
      containerInstance._addAriaLabelledBy(this.titleId);
    }
  }
}
