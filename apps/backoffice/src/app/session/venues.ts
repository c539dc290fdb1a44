import { computed, effect, Injectable, inject, signal } from '@angular/core';
import { everyItem, type Success } from '@queue-manager/client/client';
import { kept } from '@queue-manager/ui/kept';
import { SessionEnded } from './access-tokens.ts';
import { Api } from './api.ts';
import { Session } from './session.ts';

export type Venue = Success<'getVenue'>;
export type Role = Venue['role'];

const rank: Record<Role, number> = { host: 0, manager: 1, owner: 2 };

/** Whether a role includes the rights of another. */
export function includesRole(role: Role, wanted: Role): boolean {
  return rank[role] >= rank[wanted];
}

const keptKey = 'backoffice.venues';
type Known = { accountId: string; venues: Venue[] };

/** The venues of the account, each with the account's own role. Kept so that the app opens without network. */
@Injectable({ providedIn: 'root' })
export class Venues {
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #known = signal(kept.get<Known>(keptKey));
  /** The account whose venues have been read since the app was opened. */
  #readFor: string | null = null;
  #reading: Promise<Venue[]> | null = null;

  /** Null until they are known. */
  readonly all = computed(() => {
    const known = this.#known();
    return known !== null && known.accountId === this.#session.account()?.id ? known.venues : null;
  });

  constructor() {
    effect(() => {
      if (this.#session.account() === null) kept.remove(keptKey);
    });
  }

  /** Reads them, once for all who wait. @throws RefusedCall; an error of the network */
  read(): Promise<Venue[]> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Those of the last visit, while they are read again, or else reads them. @throws as `read` does */
  async ready(): Promise<Venue[]> {
    const known = this.all();
    if (known === null) return this.read();
    if (this.#readFor !== this.#session.account()?.id) this.read().catch(() => {});
    return known;
  }

  /** Takes a venue as the server has just returned it. */
  set(venue: Venue): void {
    const venues = this.all() ?? [];
    const isKnown = venues.some(({ id }) => id === venue.id);
    this.#keep(
      isKnown ? venues.map((other) => (other.id === venue.id ? venue : other)) : [...venues, venue],
    );
  }

  remove(venueId: string): void {
    this.#keep((this.all() ?? []).filter(({ id }) => id !== venueId));
  }

  /** Null if it is none of the account's, or not known yet. */
  find(venueId: string): Venue | null {
    return this.all()?.find(({ id }) => id === venueId) ?? null;
  }

  /** Whether the account has this role at the venue, or a higher one. */
  may(venueId: string, wanted: Role): boolean {
    const venue = this.find(venueId);
    return venue !== null && includesRole(venue.role, wanted);
  }

  async #readAll(): Promise<Venue[]> {
    const accountId = this.#session.account()?.id;
    const venues = await Array.fromAsync(
      everyItem((page) => this.#api.succeed('listVenues', { query: { limit: 100, ...page } })),
    );
    if (accountId !== this.#session.account()?.id) throw new SessionEnded();
    this.#readFor = accountId ?? null;
    this.#keep(venues);
    return venues;
  }

  #keep(venues: Venue[]): void {
    const accountId = this.#session.account()?.id;
    if (accountId === undefined) return;
    const known: Known = { accountId, venues };
    kept.set(keptKey, known);
    this.#known.set(known);
  }
}
