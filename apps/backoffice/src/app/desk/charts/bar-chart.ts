import { Component, computed, inject, input } from '@angular/core';
import { numberFormat } from '@queue-manager/ui/formats';
import { ReaderLanguage } from '../../parts/language.ts';

export type Bar = { label: string; value: number };

/** Bars with a name that needs its room. */
@Component({
  selector: 'qm-bar-chart',
  template: `
    <div class="bars" role="img" [attr.aria-label]="label()">
      @for (bar of bars(); track bar.label) {
        <span>{{ bar.label }}</span>
        <span class="lane"><span class="amount" [style.inline-size.%]="(bar.value / max()) * 100"></span></span>
        <span class="figures">{{ number(bar.value) }}</span>
      }
    </div>
  `,
  styles: `
    .bars {
      display: grid;
      grid-template-columns: minmax(min-content, 40%) minmax(4rem, 1fr) auto;
      align-items: center;
      gap: var(--space-2) var(--space-3);
      font-size: var(--small);
    }

    .lane {
      block-size: 1.25rem;
      border-inline-start: 1px solid var(--control-line);
    }

    .amount {
      display: block;
      block-size: 100%;
      border-start-end-radius: 0.25rem;
      border-end-end-radius: 0.25rem;
      background: var(--accent-text);
      print-color-adjust: exact;
    }

    .figures {
      font-weight: 600;
      text-align: end;
    }
  `,
})
export class BarChart {
  readonly label = input.required<string>();
  readonly bars = input.required<readonly Bar[]>();
  protected readonly max = computed(() => Math.max(...this.bars().map(({ value }) => value), 1));
  readonly #reader = inject(ReaderLanguage).reader;

  protected number(value: number): string {
    return numberFormat(this.#reader().tag).format(value);
  }
}
