import { Component, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Empty } from '../../parts/empty.ts';
import { Heading } from '../../parts/heading.ts';
import { Icon } from '../../parts/icon.ts';
import { injectText } from '../../parts/language.ts';
import { LoadState } from '../load-state.ts';
import { injectQueues } from '../queues-of.ts';
import { StateChip } from './state-chip.ts';
import { texts } from './strings.ts';

@Component({
  imports: [Empty, Heading, Icon, LoadState, RouterLink, StateChip],
  host: { class: 'stack' },
  template: `
    <h1 [qmHeading]="text('queues')"></h1>
    <qm-load-state [of]="queues" />
    @if (queues.hasValue()) {
      @if (queues.value()!.length === 0) {
        <qm-empty icon="people" [title]="text('noQueue')" [hint]="text('noQueueHint')">
          <a class="button main" routerLink="new">{{ text('newQueue') }}</a>
        </qm-empty>
      } @else {
        <ul class="tiles">
          @for (queue of queues.value(); track queue.id) {
            <li>
              <a class="tile" [routerLink]="queue.id">
                <bdi class="tile-title">{{ queue.name }}</bdi>
                <span class="muted small row">
                  <qm-state-chip [state]="queue.state" />
                  {{ text('waiting', { n: queue.waiting }) }}
                </span>
                <qm-icon name="forward" />
              </a>
            </li>
          }
        </ul>
        <p>
          <a class="button" routerLink="new"><qm-icon name="plus" />{{ text('newQueue') }}</a>
        </p>
      }
    }
  `,
})
export class QueueList {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  protected readonly queues = injectQueues(this.venueId);
}
