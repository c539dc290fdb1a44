import { Component, computed, DestroyRef, inject, input, resource } from '@angular/core';
import { everyItem } from '@queue-manager/client/client';
import { numberFormat } from '@queue-manager/ui/formats';
import { injectText, ReaderLanguage } from '../parts/language.ts';
import { Api } from '../session/api.ts';
import { includesRole, type Venue } from '../session/venues.ts';
import { texts } from './strings.ts';

const refreshMs = 30_000;

/** How a venue stands now: a few numbers in a list of several. */
@Component({
  selector: 'qm-venue-numbers',
  template: `
    <dl>
      @for (entry of entries(); track entry.name) {
        <div>
          <dt>{{ text(entry.name) }}</dt>
          <dd>{{ entry.value }}</dd>
        </div>
      }
    </dl>
  `,
  styles: `
    dl {
      display: grid;
      grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr));
      gap: var(--space-2) var(--space-3);
    }

    div {
      display: flex;
      flex-direction: column-reverse;
      justify-content: start;
    }

    dt {
      color: var(--muted);
      font-size: var(--small);
    }

    dd {
      font-size: var(--large);
      font-weight: 650;
      font-variant-numeric: tabular-nums;
    }
  `,
})
export class VenueNumbers {
  readonly venue = input.required<Venue>();
  protected readonly text = injectText(texts);
  readonly #api = inject(Api);
  readonly #reader = inject(ReaderLanguage).reader;

  readonly #numbers = resource({
    params: () => ({ venueId: this.venue().id, role: this.venue().role }),
    loader: async ({ params: { venueId, role }, abortSignal: signal }) => {
      const params = { venueId };
      const [queues, occupancy, report] = await Promise.all([
        Array.fromAsync(
          everyItem((page) =>
            this.#api.succeed('listQueues', { params, query: { limit: 100, ...page }, signal }),
          ),
        ),
        this.#api.succeed('getOccupancy', { params, signal }),
        includesRole(role, 'manager')
          ? this.#api.succeed('getVenueReport', { params, signal })
          : null,
      ]);
      return {
        waiting: queues.reduce((sum, { waiting }) => sum + waiting, 0),
        called: queues.reduce((sum, { called }) => sum + called, 0),
        occupancy,
        report,
      };
    },
  });

  protected readonly entries = computed(() => {
    const numbers = this.#numbers.hasValue() ? this.#numbers.value() : null;
    const { format } = numberFormat(this.#reader().tag);
    const shown = (value: number | undefined) => (value === undefined ? '–' : format(value));
    const { occupancy, capacity = null } = numbers?.occupancy ?? {};
    const inside = capacity === null ? '' : ` / ${format(capacity)}`;
    const seats = numbers?.report?.seats;
    return [
      { name: 'waiting' as const, value: shown(numbers?.waiting) },
      { name: 'called' as const, value: shown(numbers?.called) },
      { name: 'inside' as const, value: shown(occupancy) + inside },
      ...(seats === undefined ? [] : [{ name: 'seats' as const, value: shown(seats) }]),
    ];
  });

  constructor() {
    const refreshing = setInterval(() => this.#numbers.reload(), refreshMs);
    inject(DestroyRef).onDestroy(() => clearInterval(refreshing));
  }
}
