import { Component, type ElementRef, input, signal, viewChild } from '@angular/core';
import { Field, Input } from './field.ts';
import { Icon } from './icon.ts';
import { injectText } from './language.ts';
import { texts } from './strings.ts';

/** A field for a password, which can be shown while typing. */
@Component({
  selector: 'qm-password-field',
  imports: [Field, Icon, Input],
  template: `
    <qm-field [label]="label()" [hint]="hint()" [error]="error()">
      <span class="with-button">
        <input
          #input
          qmInput
          [name]="name()"
          [type]="isShown() ? 'text' : 'password'"
          [autocomplete]="autocomplete()"
          autocapitalize="none"
          spellcheck="false"
        />
        <button
          type="button"
          class="button quiet icon-only"
          [attr.aria-pressed]="isShown()"
          (click)="isShown.set(!isShown())"
        >
          <qm-icon [name]="isShown() ? 'eyeOff' : 'eye'" />
          <span class="hidden">{{ text('showPassword') }}</span>
        </button>
      </span>
    </qm-field>
  `,
})
export class PasswordField {
  readonly label = input.required<string>();
  readonly name = input('password');
  readonly autocomplete = input<'current-password' | 'new-password'>('current-password');
  readonly hint = input<string>();
  readonly error = input<string | null>();
  protected readonly text = injectText(texts);
  protected readonly isShown = signal(false);
  private readonly input = viewChild.required<ElementRef<HTMLInputElement>>('input');

  get value(): string {
    return this.input().nativeElement.value;
  }

  /** Selects what is there, to be typed again. */
  focus(): void {
    this.input().nativeElement.select();
  }
}
