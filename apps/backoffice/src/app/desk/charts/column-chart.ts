import { Component, computed, input } from '@angular/core';
import { Axes, injectAxes, injectTickNumber } from './axes.ts';
import { Legend } from './legend.ts';
import { type Fill, nextChartId, Patterns } from './patterns.ts';
import { chartHeight } from './scales.ts';
import { Size } from './size.ts';

/** From the axis upwards. */
export type Column = { label: string; values: readonly number[] };
export type Series = { name: string; fill: Fill };

/** Columns of stacked values. */
@Component({
  selector: 'qm-column-chart',
  hostDirectives: [Size],
  imports: [Axes, Legend, Patterns],
  template: `
    <svg role="img" [attr.aria-label]="label()" [attr.height]="height" direction="ltr">
      <defs qmPatterns [id]="id"></defs>
      @if (axes(); as axes) {
        <g qmAxes [axes]="axes"></g>
        @for (bar of bars(); track $index) {
          <rect
            class="area"
            [attr.x]="bar.x"
            [attr.y]="bar.y"
            [attr.width]="axes.x.bandwidth()"
            [attr.height]="bar.height"
            [attr.fill]="bar.fill"
          />
        }
        @for (top of tops(); track $index) {
          <text class="top" text-anchor="middle" [attr.x]="top.x" [attr.y]="top.y">{{ top.text }}</text>
        }
      }
    </svg>
    <qm-legend [entries]="series()" />
  `,
  styleUrl: './chart.css',
})
export class ColumnChart {
  readonly label = input.required<string>();
  readonly series = input.required<readonly Series[]>();
  readonly columns = input.required<readonly Column[]>();
  protected readonly id = nextChartId();
  protected readonly height = chartHeight;
  readonly #number = injectTickNumber();

  protected readonly axes = injectAxes(() => ({
    labels: this.columns().map(({ label }) => label),
    max: Math.max(...this.columns().map(({ values }) => sum(values)), 0),
  }));

  protected readonly bars = computed(() => {
    const axes = this.axes();
    if (axes === null) return [];
    return this.columns().flatMap(({ values }, column) =>
      values.flatMap((value, index) => {
        if (value <= 0) return [];
        const from = sum(values.slice(0, index));
        const y = axes.y(from + value);
        const fill = `url(#${this.id}-${this.series()[index]?.fill})`;
        return [{ x: axes.x(column), y, height: axes.y(from) - y, fill }];
      }),
    );
  });

  /** Where the columns are wide enough to name their height. */
  protected readonly tops = computed(() => {
    const axes = this.axes();
    if (axes === null || axes.x.bandwidth() < 26) return [];
    return this.columns().flatMap(({ values }, column) => {
      const value = sum(values);
      const x = (axes.x(column) ?? 0) + axes.x.bandwidth() / 2;
      return value > 0 ? [{ x, y: axes.y(value) - 6, text: this.#number(value) }] : [];
    });
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
