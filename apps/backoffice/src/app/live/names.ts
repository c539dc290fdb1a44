import { Injectable, inject, signal } from '@angular/core';
import { everyItem } from '@queue-manager/client/client';
import type { Actor } from '@queue-manager/contracts/events';
import { injectText } from '../parts/language.ts';
import { Api } from '../session/api.ts';
import { Session } from '../session/session.ts';
import { texts } from './strings.ts';

/** The names of a venue's staff: events carry their ids only. */
@Injectable({ providedIn: 'root' })
export class StaffNames {
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #text = injectText(texts);
  readonly #names = signal<ReadonlyMap<string, string>>(new Map());
  #venueId: string | null = null;

  async read(venueId: string): Promise<void> {
    this.#venueId = venueId;
    try {
      const params = { venueId };
      const members = await Array.fromAsync(
        everyItem((page) =>
          this.#api.succeed('listMembers', { params, query: { limit: 100, ...page } }),
        ),
      );
      if (this.#venueId !== venueId) return;
      this.#names.set(
        new Map(members.flatMap(({ userId, name }) => (name === null ? [] : [[userId, name]]))),
      );
    } catch {
      // Changes are shown as those of a colleague.
    }
  }

  /** Who made a change, as the reader calls them. */
  of({ kind, userId }: Actor): string {
    if (kind === 'guest') return this.#text('theGuest');
    if (kind === 'system') return this.#text('theSystem');
    if (userId === this.#session.account()?.id) return this.#text('you');
    return this.#names().get(userId ?? '') ?? this.#text('aColleague');
  }
}
