import { Component, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Empty } from '../parts/empty.ts';
import { Heading } from '../parts/heading.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { injectProblemText } from '../session/problem-text.ts';
import { Venues } from '../session/venues.ts';
import { entries } from './navigation.ts';
import { texts } from './strings.ts';
import { VenueNumbers } from './venue-numbers.ts';

/** Where the app opens: the only venue itself, or the list of several, or how to get one. */
@Component({
  imports: [Empty, Heading, Icon, RouterLink, VenueNumbers],
  host: { class: 'narrow stack' },
  template: `
    @if (venues(); as venues) {
      @if (venues.length === 0) {
        <h1 class="hidden" [qmHeading]="text('venues')"></h1>
        <qm-empty icon="door" [title]="text('noVenue')" [hint]="text('noVenueHint')">
          <a class="button main" routerLink="/first-run">{{ text('setUp') }}</a>
        </qm-empty>
      } @else {
        <div class="stack-close">
          <h1 [qmHeading]="text('venues')"></h1>
          <p class="lead">{{ text('venuesLead') }}</p>
        </div>
        <ul class="tiles">
          @for (venue of venues; track venue.id) {
            <li>
              <a class="tile" [routerLink]="pathOf(venue.id)">
                <bdi class="tile-title">{{ venue.name }}</bdi>
                <span class="muted small">{{ text(venue.role) }}</span>
                <qm-venue-numbers [venue]="venue" />
                <qm-icon name="forward" />
              </a>
            </li>
          }
        </ul>
        <p><a class="button" routerLink="/first-run">{{ text('newVenue') }}</a></p>
      }
    } @else if (failure(); as failure) {
      <h1 class="hidden" [qmHeading]="text('unreachable')"></h1>
      <qm-empty icon="offline" [title]="text('unreachable')" [hint]="problemText(failure)">
        <button type="button" class="button" (click)="open()">{{ text('tryAgain') }}</button>
      </qm-empty>
    }
  `,
})
export class Home {
  protected readonly text = injectText(texts);
  protected readonly problemText = injectProblemText();
  readonly #venues = inject(Venues);
  protected readonly venues = this.#venues.all;
  protected readonly failure = signal<Error | null>(null);

  constructor() {
    void this.open();
  }

  protected async open(): Promise<void> {
    this.failure.set(null);
    try {
      await this.#venues.ready();
    } catch (error) {
      this.failure.set(error as Error);
    }
  }

  protected pathOf(venueId: string): string {
    return `/venues/${venueId}/${entries[0]?.path ?? ''}`;
  }
}
