import { Component, input } from '@angular/core';
import { injectText } from '../../parts/language.ts';
import type { Queue } from '../queues-of.ts';
import { texts } from './strings.ts';

@Component({
  selector: 'qm-state-chip',
  template: `
    <span class="chip" [class.ok]="state() === 'open'" [class.warning]="state() === 'paused'">
      {{ text(state()) }}
    </span>
  `,
})
export class StateChip {
  readonly state = input.required<Queue['state']>();
  protected readonly text = injectText(texts);
}
