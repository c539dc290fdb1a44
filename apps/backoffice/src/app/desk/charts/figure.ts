import { Component, computed, inject, input } from '@angular/core';
import { numberFormat } from '@queue-manager/ui/formats';
import { Icon } from '../../parts/icon.ts';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { texts } from './strings.ts';
import { csvOf, download, type TableData } from './table.ts';

/** A chart with its title, its table and its file. */
@Component({
  selector: 'qm-figure',
  imports: [Icon],
  template: `
    <figure class="card stack">
      <figcaption class="stack-close">
        <h2>{{ title() }}</h2>
        @if (hint(); as hint) {
          <p class="muted">{{ hint }}</p>
        }
      </figcaption>
      <ng-content />
      <div class="below">
        <details>
          <summary>{{ text('table') }}</summary>
          <div class="table-scroll" role="region" tabindex="0" [attr.aria-label]="title()">
            <table class="table">
              <caption class="hidden">
                {{ title() }}
              </caption>
              <thead>
                <tr>
                  @for (head of table().heads; track $index) {
                    <th scope="col" [class.number]="numeric()[$index]">{{ head }}</th>
                  }
                </tr>
              </thead>
              <tbody>
                @for (row of table().rows; track $index) {
                  <tr>
                    @for (cell of row; track $index) {
                      @if ($first) {
                        <th scope="row">{{ cell }}</th>
                      } @else {
                        <td [class.number]="numeric()[$index]">{{ shown(cell) }}</td>
                      }
                    }
                  </tr>
                }
              </tbody>
            </table>
          </div>
        </details>
        <button type="button" class="button quiet csv" (click)="save()">
          <qm-icon name="download" />CSV<span class="hidden"> – {{ title() }}</span>
        </button>
      </div>
    </figure>
  `,
  styleUrl: './figure.css',
})
export class Figure {
  readonly title = input.required<string>();
  readonly hint = input<string | null>(null);
  readonly table = input.required<TableData>();
  /** Without its ending. */
  readonly fileName = input.required<string>();
  protected readonly text = injectText(texts);
  readonly #language = inject(ReaderLanguage);
  protected readonly numeric = computed(() => {
    const { heads, rows } = this.table();
    return heads.map((_, column) => rows.every((row) => typeof row[column] !== 'string'));
  });

  protected shown(cell: string | number | null): string {
    if (typeof cell === 'string') return cell;
    return cell === null ? '–' : numberFormat(this.#language.reader().tag).format(cell);
  }

  protected save(): void {
    download(`${this.fileName()}.csv`, csvOf(this.table()), 'text/csv;charset=utf-8');
  }
}
