import { Component, computed, input } from '@angular/core';
import { Axes, injectAxes } from './axes.ts';
import { Legend } from './legend.ts';
import { nextChartId, Patterns } from './patterns.ts';
import { chartHeight } from './scales.ts';
import { Size } from './size.ts';

/** What was expected, as a range, and what happened: its 10th, 50th and 90th percentile. */
export type Range = {
  label: string;
  expected: { from: number; to: number };
  actual: { p10: number; p50: number; p90: number };
};

/** Ranges that were expected, and those that came. */
@Component({
  selector: 'qm-range-chart',
  hostDirectives: [Size],
  imports: [Axes, Legend, Patterns],
  template: `
    <svg role="img" [attr.aria-label]="label()" [attr.height]="height" direction="ltr">
      <defs qmPatterns [id]="id"></defs>
      @if (axes(); as axes) {
        <g qmAxes [axes]="axes"></g>
        @for (mark of marks(); track $index) {
          <rect
            class="area"
            [attr.x]="mark.x + mark.width / 4"
            [attr.y]="mark.actual.y"
            [attr.width]="mark.width / 2"
            [attr.height]="mark.actual.height"
            [attr.fill]="fill"
          />
          <line
            class="median"
            [attr.x1]="mark.x + mark.width / 4"
            [attr.x2]="mark.x + (mark.width * 3) / 4"
            [attr.y1]="mark.median"
            [attr.y2]="mark.median"
          />
          <rect
            class="quoted"
            [attr.x]="mark.x"
            [attr.y]="mark.expected.y"
            [attr.width]="mark.width"
            [attr.height]="mark.expected.height"
          />
        }
      }
    </svg>
    <qm-legend [entries]="legend()" />
  `,
  styleUrl: './chart.css',
})
export class RangeChart {
  readonly label = input.required<string>();
  readonly ranges = input.required<readonly Range[]>();
  readonly names = input.required<{ expected: string; actual: string; median: string }>();
  protected readonly id = nextChartId();
  protected readonly fill = `url(#${this.id}-hatch)`;
  protected readonly height = chartHeight;

  protected readonly legend = computed(() => {
    const { expected, actual, median } = this.names();
    return [
      { name: expected, fill: 'box' as const },
      { name: actual, fill: 'hatch' as const },
      { name: median, fill: 'line' as const },
    ];
  });

  protected readonly axes = injectAxes(() => ({
    labels: this.ranges().map(({ label }) => label),
    max: Math.max(...this.ranges().flatMap(({ expected, actual }) => [expected.to, actual.p90]), 0),
  }));

  protected readonly marks = computed(() => {
    const axes = this.axes();
    if (axes === null) return [];
    const span = (from: number, to: number) => {
      const y = axes.y(to);
      return { y, height: Math.max(axes.y(from) - y, 1) };
    };
    return this.ranges().map(({ expected, actual }, index) => ({
      x: axes.x(index) ?? 0,
      width: axes.x.bandwidth(),
      expected: span(expected.from, expected.to),
      actual: span(actual.p10, actual.p90),
      median: axes.y(actual.p50),
    }));
  });
}
