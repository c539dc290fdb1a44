import { Component, computed, inject, input } from '@angular/core';
import { DomSanitizer } from '@angular/platform-browser';
import { type IconName, icons } from '@queue-manager/ui/icons';

/** An icon beside a text that says the same. */
@Component({
  selector: 'qm-icon',
  template:
    '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" [innerHTML]="drawing()"></svg>',
})
export class Icon {
  readonly name = input.required<IconName>();
  readonly #sanitizer = inject(DomSanitizer);
  // Drawn by us: nothing in it comes from people.
  protected readonly drawing = computed(() =>
    this.#sanitizer.bypassSecurityTrustHtml(icons[this.name()]),
  );
}
