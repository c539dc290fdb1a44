import { Component, input, linkedSignal } from '@angular/core';
import { defaultAccent } from '@queue-manager/ui/color';
import { injectText } from '../../parts/language.ts';
import { texts } from './strings.ts';

const choices = [
  { name: 'standard', value: '', color: defaultAccent },
  { name: 'red', value: '#b42318', color: '#b42318' },
  { name: 'orange', value: '#c2570c', color: '#c2570c' },
  { name: 'green', value: '#2f7d32', color: '#2f7d32' },
  { name: 'blue', value: '#1d4ed8', color: '#1d4ed8' },
  { name: 'violet', value: '#6d28d9', color: '#6d28d9' },
  { name: 'pink', value: '#be185d', color: '#be185d' },
  { name: 'black', value: '#1f2937', color: '#1f2937' },
] as const;

/** The color of a venue: one of ours, or any. */
@Component({
  selector: 'qm-accent-field',
  styleUrl: './accent-field.css',
  template: `
    <fieldset>
      <legend class="field-label">{{ text('accent') }}</legend>
      <p class="muted small">{{ text('accentHint') }}</p>
      <input type="hidden" name="accentColor" [value]="chosen()" />
      <div class="swatches">
        @for (choice of choices; track choice.name) {
          <label class="swatch">
            <input
              type="radio"
              name="accentChoice"
              class="hidden"
              [checked]="choice.value === chosen()"
              (change)="chosen.set(choice.value)"
            />
            <span class="color" [style.background-color]="choice.color"></span>
            <span>{{ text(choice.name) }}</span>
          </label>
        }
        <label class="swatch">
          <input
            type="color"
            class="color"
            [class.chosen]="isOwn()"
            [value]="chosen() || standard"
            (input)="chosen.set($any($event.target).value)"
          />
          <span>{{ text('ownColor') }}</span>
        </label>
      </div>
    </fieldset>
  `,
})
export class AccentField {
  readonly value = input.required<string | null>();
  protected readonly text = injectText(texts);
  protected readonly choices = choices;
  protected readonly standard = defaultAccent;
  protected readonly chosen = linkedSignal<string>(() => this.value() ?? '');
  protected isOwn(): boolean {
    return choices.every(({ value }) => value !== this.chosen());
  }
}
