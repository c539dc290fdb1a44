import { Component, computed, inject, input } from '@angular/core';
import { numberFormat } from '@queue-manager/ui/formats';
import { ReaderLanguage } from '../../parts/language.ts';
import { Legend } from './legend.ts';
import { type Fill, nextChartId, Patterns } from './patterns.ts';
import { axesOf, chartHeight } from './scales.ts';
import { Size } from './size.ts';

/** From the axis upwards. */
export type Column = { label: string; values: readonly number[] };
export type Series = { name: string; fill: Fill };

/** Columns of stacked values. */
@Component({
  selector: 'qm-column-chart',
  hostDirectives: [Size],
  imports: [Legend, Patterns],
  template: `
    <svg role="img" [attr.aria-label]="label()" [attr.height]="height" direction="ltr">
      <defs qmPatterns [id]="id"></defs>
      @if (axes(); as axes) {
        @for (tick of axes.ticks; track tick.value) {
          <line class="grid" [attr.x1]="axes.left" [attr.x2]="axes.right" [attr.y1]="tick.y" [attr.y2]="tick.y" />
          <text class="tick" text-anchor="end" [attr.x]="axes.tickX" [attr.y]="tick.y + 5">{{ number(tick.value) }}</text>
        }
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
        @for (name of axes.labels; track $index) {
          <text class="tick" text-anchor="middle" [attr.x]="name.x" [attr.y]="axes.labelY">{{ name.text }}</text>
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
  readonly #width = inject(Size).width;
  readonly #reader = inject(ReaderLanguage).reader;

  protected readonly axes = computed(() => {
    const width = this.#width();
    if (width === 0) return null;
    const columns = this.columns();
    return axesOf({
      width,
      labels: columns.map(({ label }) => label),
      max: Math.max(...columns.map(({ values }) => sum(values)), 0),
      isRightToLeft: this.#reader().direction === 'rtl',
    });
  });

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
      return value > 0 ? [{ x, y: axes.y(value) - 6, text: this.number(value) }] : [];
    });
  });

  protected number(value: number): string {
    return numberFormat(this.#reader().tag, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(
      value,
    );
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
