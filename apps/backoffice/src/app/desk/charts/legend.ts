import { Component, input } from '@angular/core';
import { type Fill, nextChartId, Patterns } from './patterns.ts';

/** What the fills of a chart mean. */
@Component({
  selector: 'qm-legend',
  imports: [Patterns],
  template: `
    <ul>
      @for (entry of entries(); track entry.name) {
        <li>
          <svg width="28" height="18" aria-hidden="true">
            @if ($first) {
              <defs qmPatterns [id]="id"></defs>
            }
            @if (entry.fill === 'line') {
              <line x1="2" x2="26" y1="9" y2="9" class="line" />
            } @else if (entry.fill === 'box') {
              <rect x="2" y="3" width="24" height="12" class="box" />
            } @else {
              <rect
                x="1"
                y="1"
                width="26"
                height="16"
                class="area"
                [attr.fill]="'url(#' + id + '-' + entry.fill + ')'"
              />
            }
          </svg>
          {{ entry.name }}
        </li>
      }
    </ul>
  `,
  styles: `
    ul {
      display: flex;
      flex-wrap: wrap;
      gap: var(--space-1) var(--space-5);
      font-size: var(--small);
    }

    li {
      display: flex;
      align-items: center;
      gap: var(--space-2);
    }

    svg {
      flex: none;
    }

    .area {
      stroke: var(--accent-text);
    }

    .line {
      stroke: var(--text);
      stroke-width: 4;
    }

    .box {
      fill: none;
      stroke: var(--text);
      stroke-width: 1.5;
      stroke-dasharray: 4 3;
    }
  `,
})
export class Legend {
  readonly entries = input.required<readonly { name: string; fill: Fill | 'line' | 'box' }[]>();
  protected readonly id = nextChartId();
}
