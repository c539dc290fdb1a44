import { Component, computed, Directive, inject, input } from '@angular/core';

let fields = 0;
function nextId(): string {
  fields += 1;
  return `field-${fields}`;
}

/**
 * A label, a control, a hint and an error that belong together:
 *
 *     <qm-field [label]="text('name')" [error]="error()"><input qmInput /></qm-field>
 */
@Component({
  selector: 'qm-field',
  host: { class: 'field' },
  template: `
    <label [for]="id">{{ label() }}</label>
    <ng-content />
    @if (hint(); as hint) {
      <p class="muted small" [id]="id + '-hint'">{{ hint }}</p>
    }
    <p class="error" [id]="id + '-error'" role="alert">{{ error() }}</p>
  `,
})
export class Field {
  readonly label = input.required<string>();
  readonly hint = input<string>();
  readonly error = input<string | null>();

  readonly id = nextId();
  readonly describedBy = computed(
    () =>
      [this.hint() && `${this.id}-hint`, this.error() && `${this.id}-error`]
        .filter(Boolean)
        .join(' ') || null,
  );
}

/** The input, select or textarea in a field. */
@Directive({
  selector: '[qmInput]',
  host: {
    class: 'input',
    '[id]': 'field.id',
    '[attr.aria-invalid]': 'field.error() ? true : null',
    '[attr.aria-describedby]': 'field.describedBy()',
  },
})
export class Input {
  protected readonly field = inject(Field);
}
