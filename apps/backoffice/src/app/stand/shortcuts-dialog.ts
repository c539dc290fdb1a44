import { DialogRef } from '@angular/cdk/dialog';
import { Component, inject } from '@angular/core';
import { DialogFrame } from '../parts/dialog-frame.ts';
import { injectText } from '../parts/language.ts';
import { Shortcuts, shortcuts } from './shortcuts.ts';
import { texts } from './strings.ts';

@Component({
  imports: [DialogFrame],
  template: `
    <qm-dialog [title]="text('shortcuts')">
      <dl [class.off]="!keys.areOn()">
        @for (entry of entries; track entry[0]) {
          <div>
            <dt><kbd>{{ entry[0] }}</kbd></dt>
            <dd>{{ text(entry[1]) }}</dd>
          </div>
        }
      </dl>
      <label class="choice">
        <input
          type="checkbox"
          [checked]="keys.areOn()"
          (change)="keys.set($any($event.target).checked)"
        />
        {{ text('shortcutsOn') }}
      </label>
      <button actions type="button" class="button main" (click)="ref.close()">
        {{ text('done') }}
      </button>
    </qm-dialog>
  `,
  styles: `
    dl {
      columns: 14rem 2;
      column-gap: var(--space-5);
    }
    dl > div {
      display: flex;
      gap: var(--space-3);
      align-items: baseline;
      padding-block: var(--space-1);
      break-inside: avoid;
    }
    dt {
      flex: none;
      min-inline-size: 4.5rem;
    }
    .off dd {
      text-decoration: line-through;
    }
    kbd {
      padding: 0.0625rem 0.5rem;
      border: 1px solid var(--control-line);
      border-radius: 0.375rem;
      background: var(--raised);
      font: inherit;
      font-weight: 600;
    }
  `,
})
export class ShortcutsDialog {
  protected readonly text = injectText(texts);
  protected readonly ref = inject(DialogRef);
  protected readonly keys = inject(Shortcuts);
  protected readonly entries = Object.entries(shortcuts) as [
    string,
    (typeof shortcuts)[keyof typeof shortcuts],
  ][];
}
