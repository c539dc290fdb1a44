import { Component, input } from '@angular/core';
import type { IconName } from '@queue-manager/ui/icons';
import { Icon } from './icon.ts';

/** What stands where a list has nothing; a button that adds the first goes inside. */
@Component({
  selector: 'qm-empty',
  imports: [Icon],
  host: { class: 'empty' },
  template: `
    <span class="empty-mark"><qm-icon [name]="icon()" /></span>
    <p class="empty-title">{{ title() }}</p>
    @if (hint(); as hint) {
      <p class="muted">{{ hint }}</p>
    }
    <ng-content />
  `,
})
export class Empty {
  readonly icon = input.required<IconName>();
  readonly title = input.required<string>();
  readonly hint = input<string>();
}
