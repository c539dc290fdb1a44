import { Component, inject } from '@angular/core';
import type { Language } from '@queue-manager/ui/text';
import { Icon } from './icon.ts';
import { allLanguages, injectText, ReaderLanguage } from './language.ts';
import { texts } from './strings.ts';

@Component({
  selector: 'qm-language-select',
  imports: [Icon],
  template: `
    <label class="language">
      <qm-icon name="globe" />
      <span class="hidden">{{ text('language') }}</span>
      <select [value]="language.reader().language" (change)="choose($any($event.target).value)">
        @for (entry of all; track entry[0]) {
          <option
            [value]="entry[0]"
            [lang]="entry[0]"
            [selected]="entry[0] === language.reader().language"
          >
            {{ entry[1] }}
          </option>
        }
      </select>
    </label>
  `,
})
export class LanguageSelect {
  protected readonly text = injectText(texts);
  protected readonly language = inject(ReaderLanguage);
  protected readonly all = allLanguages;

  protected choose(language: Language): void {
    this.language.choose(language);
  }
}
