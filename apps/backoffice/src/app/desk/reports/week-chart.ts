import { Component, computed, inject, input } from '@angular/core';
import { numberFormat } from '@queue-manager/ui/formats';
import { ReaderLanguage } from '../../parts/language.ts';

export type WeekCells = {
  hours: readonly string[];
  days: readonly {
    name: string;
    cells: readonly ({ minutes: number; share: number } | null)[];
  }[];
};

/** Weekdays by hours: a table whose numbers are shaded, the longest wait the darkest. */
@Component({
  selector: 'qm-week-chart',
  template: `
    <div class="table-scroll" role="region" tabindex="0" [attr.aria-label]="label()">
      <table>
        <thead>
          <tr>
            <td></td>
            @for (hour of cells().hours; track $index) {
              <th scope="col">{{ hour }}</th>
            }
          </tr>
        </thead>
        <tbody>
          @for (day of cells().days; track day.name) {
            <tr>
              <th scope="row">{{ day.name }}</th>
              @for (cell of day.cells; track $index) {
                @if (cell) {
                  <td [style.--shade.%]="cell.share * 45">{{ number()(cell.minutes) }}</td>
                } @else {
                  <td class="none"></td>
                }
              }
            </tr>
          }
        </tbody>
      </table>
    </div>
  `,
  styles: `
    table {
      border-collapse: separate;
      border-spacing: 3px;
      inline-size: 100%;
      font-variant-numeric: tabular-nums;
    }

    th {
      padding-inline: var(--space-1);
      color: var(--muted);
      font-size: 0.875rem;
      font-weight: 600;
      white-space: nowrap;
    }

    th[scope="row"] {
      padding-inline-end: var(--space-2);
      text-align: start;
    }

    td {
      min-inline-size: 2.5rem;
      block-size: 2.5rem;
      border: 1px solid var(--line);
      border-radius: 0.375rem;
      background: color-mix(in srgb, var(--accent-text) var(--shade, 0%), var(--surface));
      text-align: center;
      font-weight: 600;
    }

    thead td,
    .none {
      border-color: transparent;
      background: none;
    }

    .table-scroll:focus-visible {
      outline-offset: -3px;
    }
  `,
})
export class WeekChart {
  readonly label = input.required<string>();
  readonly cells = input.required<WeekCells>();
  readonly #reader = inject(ReaderLanguage).reader;
  protected readonly number = computed(() => {
    const { format } = numberFormat(this.#reader().tag);
    return (value: number) => format(value);
  });
}
