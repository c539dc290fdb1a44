import { computed, effect, Injectable, inject, signal, untracked } from '@angular/core';
import { pathTo } from '@queue-manager/client/client';
import type { LineStore } from '../line/line-store.ts';
import type { Line, LineSnapshot } from '../line/open-line.ts';
import type { Row } from '../line/row.ts';
import { Api } from '../session/api.ts';
import { Session } from '../session/session.ts';
import { openStore } from './store.ts';

type Open = { userId: string; venueId: string; line: Line };

/** The line of the venue that is open in this tab, for all of its screens: they share one stream. */
@Injectable({ providedIn: 'root' })
export class VenueLine {
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #open = signal<Open | null>(null);
  readonly #snapshot = signal<LineSnapshot | null>(null);
  readonly #failure = signal<unknown>(null);
  #wanted: string | null = null;

  /** Null until what is kept on the device has been read. */
  readonly snapshot = this.#snapshot.asReadonly();
  /** Why the line cannot be kept on this device. */
  readonly failure = this.#failure.asReadonly();
  /** Neither has all of the line been read yet, nor is it known that it cannot be. */
  readonly isLoading = computed(
    () => this.#failure() === null && (this.#snapshot()?.connection ?? 'loading') === 'loading',
  );
  readonly line = computed(() => this.#open()?.line ?? null);

  constructor() {
    effect(() => {
      if (this.#session.account() === null) untracked(() => this.#close());
    });
    effect(() => {
      // The password has been given again.
      if (this.#session.state() === 'signed-in') untracked(() => this.line()?.refresh());
    });
  }

  /** The row of a party; followed by what reads it in a reactive context. */
  row(key: string): Row | undefined {
    this.#snapshot();
    return this.line()?.row(key);
  }

  /** Opens the line of a venue in place of that of another. */
  async open(venueId: string): Promise<void> {
    const userId = this.#session.account()?.id;
    if (userId === undefined || this.#wanted === `${userId} ${venueId}`) return;
    this.#close();
    const wanted = `${userId} ${venueId}`;
    this.#wanted = wanted;
    try {
      const [{ openLine }, store] = await Promise.all([
        import('../line/open-line.ts'),
        openStore(),
      ]);
      const line = await openLine({
        userId,
        venueId,
        store: store as LineStore,
        api: this.#api,
        openStream: (lastEventId, signal) => this.#stream(venueId, lastEventId, signal),
      });
      if (this.#wanted !== wanted) return line.close();
      this.#open.set({ userId, venueId, line });
      line.subscribe(() => this.#snapshot.set(line.getSnapshot()));
      this.#snapshot.set(line.getSnapshot());
    } catch (error) {
      if (this.#wanted !== wanted) return;
      this.#wanted = null;
      this.#failure.set(error);
    }
  }

  async #stream(
    venueId: string,
    lastEventId: string | null,
    signal: AbortSignal,
  ): Promise<Response> {
    const token = await this.#session.token();
    const response = await fetch(pathTo('liveVenue', { params: { venueId } }), {
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
        ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
      },
      cache: 'no-store',
      signal,
    });
    if (response.status === 401) this.#session.refuse(token);
    return response;
  }

  #close(): void {
    this.#wanted = null;
    this.line()?.close();
    this.#open.set(null);
    this.#snapshot.set(null);
    this.#failure.set(null);
  }
}
