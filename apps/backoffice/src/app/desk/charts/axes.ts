import { Component, computed, inject, input, type Signal } from '@angular/core';
import { numberFormat } from '@queue-manager/ui/formats';
import { ReaderLanguage } from '../../parts/language.ts';
import { axesOf } from './scales.ts';
import { Size } from './size.ts';

/** The axes of a chart for the width that it has; null while it has none. */
export function injectAxes(
  of: () => { labels: readonly string[]; max: number },
): Signal<ReturnType<typeof axesOf> | null> {
  const { width } = inject(Size);
  const { reader } = inject(ReaderLanguage);
  return computed(() => {
    if (width() === 0) return null;
    const isRightToLeft = reader().direction === 'rtl';
    return axesOf({ ...of(), width: width(), isRightToLeft });
  });
}

/** The numbers of a chart's axis, as the reader writes them. */
export function injectTickNumber(): (value: number) => string {
  const { reader } = inject(ReaderLanguage);
  return (value) =>
    numberFormat(reader().tag, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** The grid of a chart with its numbers, and the names of the columns. */
@Component({
  selector: '[qmAxes]',
  template: `
    @for (tick of axes().ticks; track tick.value) {
      <svg:line class="grid" [attr.x1]="axes().left" [attr.x2]="axes().right" [attr.y1]="tick.y" [attr.y2]="tick.y" />
      <svg:text class="tick" text-anchor="end" [attr.x]="axes().tickX" [attr.y]="tick.y + 5">{{ number(tick.value) }}</svg:text>
    }
    @for (name of axes().labels; track $index) {
      <svg:text class="tick" text-anchor="middle" [attr.x]="name.x" [attr.y]="axes().labelY">{{ name.text }}</svg:text>
    }
  `,
  styles: `
    .grid {
      stroke: var(--line);
    }

    .tick {
      fill: var(--muted);
    }
  `,
})
export class Axes {
  readonly axes = input.required<ReturnType<typeof axesOf>>();
  protected readonly number = injectTickNumber();
}
