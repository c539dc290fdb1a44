import { Component, computed, input } from '@angular/core';
import { Field, Input } from '../parts/field.ts';
import { injectText } from '../parts/language.ts';
import { texts } from './strings.ts';

@Component({
  selector: 'qm-timezone-field',
  imports: [Field, Input],
  template: `
    <qm-field [label]="text('timezone')" [error]="error()">
      <select qmInput name="timezone">
        @for (zone of zones(); track zone) {
          <option [value]="zone" [selected]="zone === value()">{{ zone.replaceAll('_', ' ') }}</option>
        }
      </select>
    </qm-field>
  `,
})
export class TimezoneField {
  readonly value = input.required<string>();
  readonly error = input<string | null>();
  protected readonly text = injectText(texts);
  /** Those of the browser, which lacks some that the API takes. */
  protected readonly zones = computed(() =>
    [...new Set([...Intl.supportedValuesOf('timeZone'), 'UTC', this.value()])].sort(),
  );
}
