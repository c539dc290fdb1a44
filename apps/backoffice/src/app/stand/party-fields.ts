import { Component, input, signal } from '@angular/core';
import type { Row } from '../line/row.ts';
import { Field, Input } from '../parts/field.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { texts } from './strings.ts';

export type PartyValues = {
  name: string;
  size: number;
  email: string | null;
  phone: string | null;
  notes: string | null;
};
type Faults = Partial<Record<keyof PartyValues, string>>;

/** What a host enters about a party. Checked here, too: what is added without network is sent much later. */
@Component({
  selector: 'qm-party-fields',
  imports: [Field, Icon, Input],
  template: `
    <div class="two">
      <qm-field class="name" [label]="text('name')" [error]="faults().name">
        <input
          qmInput
          name="name"
          maxlength="80"
          autocomplete="off"
          autocapitalize="words"
          dir="auto"
          [value]="row()?.name ?? ''"
        />
      </qm-field>
      <qm-field class="size" [label]="text('size')" [error]="faults().size">
        <span class="stepper">
          <button type="button" class="button icon-only" tabindex="-1" (click)="step(size, -1)">
            <qm-icon name="minus" /><span class="hidden">{{ text('fewer') }}</span>
          </button>
          <input
            #size
            qmInput
            name="size"
            type="text"
            inputmode="numeric"
            maxlength="3"
            autocomplete="off"
            [value]="row()?.size ?? 2"
            (focus)="size.select()"
          />
          <button type="button" class="button icon-only" tabindex="-1" (click)="step(size, 1)">
            <qm-icon name="plus" /><span class="hidden">{{ text('oneMore') }}</span>
          </button>
        </span>
      </qm-field>
    </div>
    <details [attr.open]="isOpen() ? '' : null">
      <summary>{{ text('details') }}</summary>
      <div class="stack">
        <ng-content />
        <qm-field [label]="text('email')" [hint]="text('emailHint')" [error]="faults().email">
          <input
            qmInput
            name="email"
            type="email"
            maxlength="254"
            autocomplete="off"
            [value]="row()?.email ?? ''"
          />
        </qm-field>
        <qm-field [label]="text('phone')" [error]="faults().phone">
          <input
            qmInput
            name="phone"
            type="tel"
            maxlength="40"
            autocomplete="off"
            [value]="row()?.phone ?? ''"
          />
        </qm-field>
        <qm-field [label]="text('notes')" [hint]="text('notesHint')" [error]="faults().notes">
          <textarea
            qmInput
            name="notes"
            rows="2"
            maxlength="1000"
            dir="auto"
            [value]="row()?.notes ?? ''"
          ></textarea>
        </qm-field>
      </div>
    </details>
  `,
  styles: `
    :host {
      display: grid;
      gap: var(--space-4);
    }
    .two {
      display: flex;
      flex-wrap: wrap;
      gap: var(--space-4);
    }
    .name {
      flex: 1 1 12rem;
    }
    .size {
      flex: 0 0 auto;
    }
    .stepper {
      display: flex;
      align-items: center;
      gap: var(--space-1);
    }
    .stepper .input {
      inline-size: 4.25rem;
      padding-inline: var(--space-2);
      font-size: var(--large);
      font-weight: 650;
      text-align: center;
    }
    .stepper .button {
      min-block-size: 3.25rem;
    }
    summary {
      min-block-size: var(--target);
      padding-block: var(--space-3);
      font-weight: 600;
      cursor: pointer;
    }
    details .stack {
      gap: var(--space-4);
      padding-block-start: var(--space-2);
    }
  `,
})
export class PartyFields {
  readonly row = input<Row | null>(null);
  readonly maxSize = input.required<number>();
  readonly isOpen = input(false);
  protected readonly text = injectText(texts);
  protected readonly faults = signal<Faults>({});

  protected step(field: HTMLInputElement, by: number): void {
    const size = Number.parseInt(field.value, 10) || 0;
    field.value = String(Math.min(Math.max(size + by, 1), this.maxSize()));
  }

  /** What was entered; null if something is wrong, which is shown and gets the focus. */
  read(form: HTMLFormElement): PartyValues | null {
    const data = new FormData(form);
    const entered = (name: string) => String(data.get(name) ?? '').trim();
    const [name, email, phone, notes] = ['name', 'email', 'phone', 'notes'].map(entered) as [
      string,
      string,
      string,
      string,
    ];
    const size = /^\d{1,3}$/.test(entered('size')) ? Number(entered('size')) : 0;
    const faults: Faults = {
      ...(name === '' ? { name: this.text('nameMissing') } : {}),
      ...(size < 1 ? { size: this.text('sizeMissing') } : {}),
      ...(size > this.maxSize() ? { size: this.text('sizeMax', { n: this.maxSize() }) } : {}),
      ...(email === '' || /^\S+@[^\s.]+(\.[^\s.]+)+$/.test(email)
        ? {}
        : { email: this.text('emailInvalid') }),
      ...(phone === '' || /^\+?(?:[\s().\-/]*\d){4,20}[\s().\-/]*$/.test(phone)
        ? {}
        : { phone: this.text('phoneInvalid') }),
    };
    this.faults.set(faults);
    const [first] = Object.keys(faults);
    if (first === undefined) {
      const orNull = (value: string) => (value === '' ? null : value);
      return { name, size, email: orNull(email), phone: orNull(phone), notes: orNull(notes) };
    }
    const field = form.elements.namedItem(first) as HTMLInputElement;
    field.closest('details')?.setAttribute('open', '');
    field.focus();
    return null;
  }
}
