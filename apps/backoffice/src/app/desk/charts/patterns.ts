import { Component, input } from '@angular/core';

/** How areas are filled, so that they differ without colors. */
export type Fill = 'solid' | 'hatch' | 'cross' | 'dots';

let charts = 0;

/** Names the patterns of one chart: ids are of the whole page. */
export function nextChartId(): string {
  charts += 1;
  return `chart-${charts}`;
}

/** The definitions of the fills, inside the `svg` of a chart. */
@Component({
  selector: '[qmPatterns]',
  template: `
    <svg:pattern
      [attr.id]="id() + '-solid'"
      class="pattern"
      width="8"
      height="8"
      patternUnits="userSpaceOnUse"
    >
      <svg:rect class="ink" width="8" height="8" />
    </svg:pattern>
    <svg:pattern
      [attr.id]="id() + '-hatch'"
      width="7"
      height="7"
      patternUnits="userSpaceOnUse"
      patternTransform="rotate(45)"
    >
      <svg:rect class="paper" width="7" height="7" />
      <svg:rect class="ink" width="2.25" height="7" />
    </svg:pattern>
    <svg:pattern
      [attr.id]="id() + '-cross'"
      width="7"
      height="7"
      patternUnits="userSpaceOnUse"
    >
      <svg:rect class="paper" width="7" height="7" />
      <svg:path class="stroke" d="M0 0 7 7M7 0 0 7" />
    </svg:pattern>
    <svg:pattern [attr.id]="id() + '-dots'" width="7" height="7" patternUnits="userSpaceOnUse">
      <svg:rect class="paper" width="7" height="7" />
      <svg:circle class="ink" cx="3.5" cy="3.5" r="1.25" />
    </svg:pattern>
  `,
  styles: `
    .ink {
      fill: var(--accent-text);
    }

    .paper {
      fill: var(--surface);
    }

    .stroke {
      stroke: var(--accent-text);
      stroke-width: 1.25;
    }

    @media print {
      .ink {
        fill: #000000;
      }

      .stroke {
        stroke: #000000;
      }
    }
  `,
})
export class Patterns {
  readonly id = input.required<string>();
}
