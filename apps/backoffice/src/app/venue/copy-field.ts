import { Component, inject, input } from '@angular/core';
import { copy } from '@queue-manager/ui/copy';
import { Field, Input } from '../parts/field.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { Toasts } from '../parts/toasts.ts';
import { texts } from './strings.ts';

/** A text to be copied; one that is an address can be opened, too. */
@Component({
  selector: 'qm-copy-field',
  imports: [Field, Icon, Input],
  styleUrl: './copy-field.css',
  template: `
    <qm-field [label]="label()" [hint]="hint()">
      <input qmInput readonly dir="ltr" [value]="value()" (focus)="$any($event.target).select()" />
    </qm-field>
    <div class="row">
      <button type="button" class="button" (click)="copy()">
        <qm-icon name="copy" />{{ text('copy') }}<span class="hidden">: {{ label() }}</span>
      </button>
      @if (isAddress()) {
        <a class="button" target="_blank" rel="noopener" [href]="value()">
          <qm-icon name="open" />{{ text('open') }}<span class="hidden">: {{ label() }}</span>
        </a>
      }
    </div>
  `,
})
export class CopyField {
  readonly label = input.required<string>();
  readonly value = input.required<string>();
  readonly hint = input<string>();
  readonly isAddress = input(true);
  protected readonly text = injectText(texts);
  readonly #toasts = inject(Toasts);

  protected async copy(): Promise<void> {
    this.#toasts.show({ text: this.text((await copy(this.value())) ? 'copied' : 'notCopied') });
  }
}
