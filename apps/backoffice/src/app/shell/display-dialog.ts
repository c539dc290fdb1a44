import { DialogRef } from '@angular/cdk/dialog';
import { Component, inject } from '@angular/core';
import type { IconName } from '@queue-manager/ui/icons';
import { DialogFrame } from '../parts/dialog-frame.ts';
import { Field, Input } from '../parts/field.ts';
import { Icon } from '../parts/icon.ts';
import { allLanguages, injectText, ReaderLanguage } from '../parts/language.ts';
import { texts } from './strings.ts';
import { Theme, type ThemeName, themes } from './theme.ts';

const iconOf: Record<ThemeName, IconName> = {
  system: 'device',
  light: 'sun',
  dark: 'moon',
  contrast: 'contrast',
};

/** The language and the appearance of this device. */
@Component({
  imports: [DialogFrame, Field, Icon, Input],
  template: `
    <qm-dialog [title]="text('display')">
      <qm-field [label]="text('language')">
        <select qmInput (change)="language.choose($any($event.target).value)">
          @for (entry of languages; track entry[0]) {
            <option
              [value]="entry[0]"
              [lang]="entry[0]"
              [selected]="entry[0] === language.reader().language"
            >
              {{ entry[1] }}
            </option>
          }
        </select>
      </qm-field>
      <fieldset>
        <legend class="field-label">{{ text('appearance') }}</legend>
        <div class="choices">
          @for (name of themes; track name) {
            <label class="choice">
              <input
                type="radio"
                name="theme"
                class="hidden"
                [value]="name"
                [checked]="name === theme.chosen()"
                (change)="theme.choose(name)"
              />
              <qm-icon [name]="iconOf[name]" />
              {{ text(name) }}
            </label>
          }
        </div>
      </fieldset>
      <button actions type="button" class="button main" (click)="ref.close()">
        {{ text('done') }}
      </button>
    </qm-dialog>
  `,
})
export class DisplayDialog {
  protected readonly text = injectText(texts);
  protected readonly ref = inject(DialogRef);
  protected readonly language = inject(ReaderLanguage);
  protected readonly theme = inject(Theme);
  protected readonly themes = themes;
  protected readonly iconOf = iconOf;
  protected readonly languages = allLanguages;
}
