import { DestroyRef, Injectable, inject, signal } from '@angular/core';
import type { OccupancyChange } from '@queue-manager/contracts/occupancy';
import { Api } from '../session/api.ts';
import { Session } from '../session/session.ts';

/** A change of the occupancy: by this device, which may not have been sent yet, or as the server has it. */
export type Change = Pick<OccupancyChange, 'id' | 'delta' | 'partyId' | 'actor' | 'reason'> & {
  at: number;
};

const shownMax = 30;
const pauseMs = 1_000;

/** The last changes of the occupancy, as the server has them. */
@Injectable()
export class Changes {
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #read = signal<{ asOf: number; changes: readonly Change[] } | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Null until they have been read; `asOf` is when, by the clock of the server. */
  readonly read = this.#read.asReadonly();

  constructor() {
    inject(DestroyRef).onDestroy(() => clearTimeout(this.#timer));
  }

  /** Reads them again, once for changes that follow each other. */
  refresh(venueId: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(venueId), pauseMs);
  }

  async #load(venueId: string): Promise<void> {
    const asOf = this.#session.serverClock.now();
    const options = { params: { venueId }, query: { limit: shownMax } };
    const answer = await this.#api.call('listOccupancyChanges', options).catch(() => null);
    if (!answer?.ok) return;
    const changes = answer.body.data.map(({ time, ...change }) => ({
      ...change,
      at: Date.parse(time),
    }));
    this.#read.set({ asOf, changes });
  }
}
