import { Injectable, inject, signal } from '@angular/core';
import { everyItem } from '@queue-manager/client/client';
import type { Lane, Party } from '@queue-manager/contracts/parties';
import { Api } from '../../session/api.ts';

/** The latest parties are read at once, as many of each lane. */
const latestMax = 300;
/** At the same time. */
const readsMax = 6;

/** The names of parties, which events do not carry; read when they are shown. */
@Injectable()
export class PartyNames {
  readonly #api = inject(Api);
  readonly #names = signal<ReadonlyMap<string, string | null>>(new Map());
  readonly #wanted = new Set<string>();
  readonly #asked = new Set<string>();
  #reads = 0;

  /** Null if it has been erased; undefined while it is not known. */
  of(partyId: string): string | null | undefined {
    return this.#names().get(partyId);
  }

  /** Those of the latest parties of a queue, from one that joined after `from`. */
  async readLatest(queueId: string, from: number, signal: AbortSignal): Promise<void> {
    const names = new Map<string, string | null>();
    const state = 'waiting,called,seated,departed,no_show,left,removed';
    for (const lane of ['priority', 'regular'] satisfies Lane[]) {
      let count = 0;
      const latest = everyItem<Party>((page) =>
        this.#api.succeed('listParties', {
          params: { queueId },
          query: { lane, state, order: 'desc', limit: 100, ...page },
          signal,
        }),
      );
      for await (const { id, name, joinedAt } of latest) {
        count += 1;
        if (Date.parse(joinedAt) < from || count > latestMax) break;
        names.set(id, name);
        this.#asked.add(id);
      }
    }
    this.#names.update((known) => new Map([...known, ...names]));
  }

  read(partyIds: Iterable<string>): void {
    for (const id of partyIds) if (!this.#asked.has(id)) this.#wanted.add(id);
    while (this.#reads < readsMax && this.#wanted.size > 0) void this.#readOne();
  }

  async #readOne(): Promise<void> {
    this.#reads += 1;
    try {
      for (const partyId of this.#wanted) {
        this.#wanted.delete(partyId);
        this.#asked.add(partyId);
        const answer = await this.#api.call('getParty', { params: { partyId } });
        const name = answer.ok ? answer.body.name : null;
        this.#names.update((names) => new Map(names).set(partyId, name));
      }
    } catch {
      // Their numbers are shown; the next time the screen is opened, they are asked for again.
    } finally {
      this.#reads -= 1;
    }
  }
}
