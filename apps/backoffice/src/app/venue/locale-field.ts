import { Component, computed, input } from '@angular/core';
import { Field, Input } from '../parts/field.ts';
import { allLanguages, injectText } from '../parts/language.ts';
import { texts } from './strings.ts';

/** The language of a venue. One that has a region keeps it. */
@Component({
  selector: 'qm-locale-field',
  imports: [Field, Input],
  template: `
    <qm-field [label]="text('language')" [hint]="hint()" [error]="error()">
      <select qmInput name="locale">
        @for (option of options(); track option.locale) {
          <option [value]="option.locale" [lang]="option.locale" [selected]="option.locale === value()">
            {{ option.name }}
          </option>
        }
      </select>
    </qm-field>
  `,
})
export class LocaleField {
  readonly value = input.required<string>();
  readonly hint = input<string>();
  readonly error = input<string | null>();
  protected readonly text = injectText(texts);
  protected readonly options = computed(() => {
    const value = this.value();
    const own = value.toLowerCase().split('-')[0];
    const options = allLanguages.map(([language, name]) => ({
      locale: language === own ? value : (language as string),
      name,
    }));
    // A program may have set a language that the apps do not speak.
    const isKnown = options.some(({ locale }) => locale === value);
    return isKnown ? options : [...options, { locale: value, name: value }];
  });
}
