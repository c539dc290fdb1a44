import { Component, inject } from '@angular/core';
import { Dialogs } from '../../parts/dialogs.ts';
import { injectText } from '../../parts/language.ts';
import { texts } from './strings.ts';

@Component({
  selector: 'qm-delete-account',
  template: `
    <div class="stack-close">
      <h2>{{ text('deleteTitle') }}</h2>
      <p class="muted">{{ text('deleteLead') }}</p>
    </div>
    <div>
      <button type="button" class="button danger" (click)="ask()">{{ text('deleteAsk') }}</button>
    </div>
  `,
})
export class DeleteAccount {
  protected readonly text = injectText(texts);
  readonly #dialogs = inject(Dialogs);

  protected async ask(): Promise<void> {
    const { DeleteDialog } = await import('./delete-dialog.ts');
    await this.#dialogs.open(DeleteDialog);
  }
}
