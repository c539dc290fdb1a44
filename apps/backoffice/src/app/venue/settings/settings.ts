import { Component } from '@angular/core';
import { RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { injectText } from '../../parts/language.ts';
import { texts } from './strings.ts';

const parts = ['queues', 'venue', 'keys', 'messages'] as const;

/** The parts of the settings, and the one that is open. */
@Component({
  imports: [RouterLink, RouterLinkActive, RouterOutlet],
  host: { class: 'narrow stack' },
  styleUrl: './settings.css',
  template: `
    <nav class="tabs" [attr.aria-label]="text('settings')">
      @for (part of parts; track part) {
        <a
          #tab
          class="tab"
          [routerLink]="part"
          routerLinkActive="active"
          ariaCurrentWhenActive="page"
          (isActiveChange)="$event && tab.scrollIntoView({ block: 'nearest', inline: 'nearest' })"
        >
          {{ text(part) }}
        </a>
      }
    </nav>
    <div><router-outlet /></div>
  `,
})
export class Settings {
  protected readonly text = injectText(texts);
  protected readonly parts = parts;
}
