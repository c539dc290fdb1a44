import { Component, computed, inject, input } from '@angular/core';
import { Heading } from '../../parts/heading.ts';
import { injectText } from '../../parts/language.ts';
import { Venues } from '../../session/venues.ts';
import { Invitations } from './invitations.ts';
import { MemberList } from './member-list.ts';
import { texts } from './strings.ts';

/** Who works at the venue. Hosts see it; managers invite hosts; owners do the rest. */
@Component({
  imports: [Heading, Invitations, MemberList],
  host: { class: 'narrow stack' },
  template: `
    <div class="stack-close">
      <h1 [qmHeading]="text('team')"></h1>
      <p class="lead">{{ text('lead') }}</p>
    </div>
    <qm-member-list class="card stack" [venueId]="venueId()" />
    @if (isManager()) {
      <qm-invitations class="stack" [venueId]="venueId()" />
    }
  `,
})
export class Team {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  readonly #venues = inject(Venues);
  protected readonly isManager = computed(() => this.#venues.may(this.venueId(), 'manager'));
}
