import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { LineChanges, SavedLine } from './line-model.ts';
import type { Press, Refusal, Request } from './press.ts';
import type { KnownParty } from './row.ts';

/*
 * What the device keeps: presses until the server has acknowledged them, and the last known line. All tabs share it.
 * Personal data: the line is deleted when the account signs out, and after a day at the latest; presses stay until they
 * are sent or dropped.
 */

/** The outcome of an acknowledged press; later presses on the same party need it. */
export type Outcome = { partyId: string | null; seq: number | null };

interface Schema extends DBSchema {
  presses: {
    key: number;
    value: Press & { order?: number };
    indexes: { owner: string; id: string };
  };
  outcomes: { key: string; value: Outcome & { id: string; at: number }; indexes: { at: number } };
  lines: { key: string; value: { owner: string; asOf: number } & Omit<SavedLine, 'parties'> };
  /** Of the lines; each is written when it changes, since writing a long line would take too long. */
  parties: { key: [owner: string, id: string]; value: { owner: string } & KnownParty };
}

/** How long outcomes and lines are kept. */
const keptMs = 24 * 60 * 60_000;
/** Parties that are written at once, so that none of the tasks is long. */
const writtenAtOnce = 50;

export type LineStore = Awaited<ReturnType<typeof openLineStore>>;

/** An account in a venue. */
export function ownerOf(userId: string, venueId: string): string {
  return `${userId} ${venueId}`;
}

/**
 * @param onBlocked called when another tab of an older version keeps the store open; it opens once that is closed
 * @param onReplaced called when a tab of a newer version needs the store: it is closed
 */
export async function openLineStore({
  name = 'queue-manager-line',
  onBlocked = () => {},
  onReplaced = () => {},
}: {
  name?: string;
  onBlocked?(): void;
  onReplaced?(): void;
} = {}) {
  const db: IDBPDatabase<Schema> = await openDB<Schema>(name, 2, {
    blocked: () => onBlocked(),
    blocking() {
      db.close();
      onReplaced();
    },
    upgrade(upgraded, version) {
      if (version === 1) upgraded.deleteObjectStore('lines');
      upgraded.createObjectStore('lines', { keyPath: 'owner' });
      upgraded.createObjectStore('parties', { keyPath: ['owner', 'id'] });
      if (version === 1) return;
      const presses = upgraded.createObjectStore('presses', { keyPath: 'order' });
      presses.createIndex('owner', 'owner');
      presses.createIndex('id', 'id', { unique: true });
      upgraded.createObjectStore('outcomes', { keyPath: 'id' }).createIndex('at', 'at');
    },
  });

  /** Changes one press, unless it is gone. Null deletes it. Returns whether it was there. */
  async function change(
    id: string,
    changed: (press: Press) => Press | null | undefined,
    outcome?: Outcome & { at: number },
  ): Promise<boolean> {
    const trx = db.transaction(['presses', 'outcomes'], 'readwrite', { durability: 'strict' });
    const cursor = await trx.objectStore('presses').index('id').openCursor(id);
    const press = cursor === null ? undefined : changed(cursor.value);
    if (cursor !== null && press !== undefined) {
      await (press === null ? cursor.delete() : cursor.update(press));
      if (outcome !== undefined) await trx.objectStore('outcomes').put({ id, ...outcome });
    }
    await trx.done;
    return press !== undefined;
  }

  return {
    /** Resolves when the press is on the disk. */
    async addPress(press: Press): Promise<void> {
      const trx = db.transaction('presses', 'readwrite', { durability: 'strict' });
      const last = await trx.store.openKeyCursor(null, 'prev');
      await trx.store.add({ ...press, order: (last?.key ?? 0) + 1 });
      await trx.done;
    },

    /** In the order in which they were made. */
    async presses(owner: string): Promise<Press[]> {
      return db.getAllFromIndex('presses', 'owner', owner);
    },

    /** Notes that a press is about to be sent; false if it was taken back meanwhile. */
    markSent(id: string, request: Request, sentAt: number): Promise<boolean> {
      return change(id, (press) => ({ ...press, request, sentAt: press.sentAt ?? sentAt }));
    },

    /** Deletes a press that was never sent; false if it was. */
    takeBack(id: string): Promise<boolean> {
      return change(id, ({ sentAt }) => (sentAt === null ? null : undefined));
    },

    update(id: string, changes: Partial<Press>): Promise<boolean> {
      return change(id, (press) => ({ ...press, ...changes }));
    },

    /** Deletes an acknowledged press and keeps its outcome. */
    settle(id: string, outcome: Outcome, at: number): Promise<boolean> {
      return change(id, () => null, { ...outcome, at });
    },

    refuse(id: string, refusal: Refusal): Promise<boolean> {
      return change(id, (press) => ({ ...press, refusal }));
    },

    async drop(ids: readonly string[]): Promise<void> {
      const trx = db.transaction('presses', 'readwrite', { durability: 'strict' });
      for (const id of ids) {
        const order = await trx.store.index('id').getKey(id);
        if (order !== undefined) await trx.store.delete(order);
      }
      await trx.done;
    },

    async outcome(id: string): Promise<Outcome | undefined> {
      return db.get('outcomes', id);
    },

    /** Forgets lines and outcomes that are too old. */
    async sweep(now: number): Promise<void> {
      const trx = db.transaction(['lines', 'parties', 'outcomes'], 'readwrite');
      for (const { owner, asOf } of await trx.objectStore('lines').getAll()) {
        if (asOf >= now - keptMs) continue;
        await trx.objectStore('lines').delete(owner);
        await trx.objectStore('parties').delete(partiesOf(owner));
      }
      const old = IDBKeyRange.upperBound(now - keptMs);
      for (const id of await trx.objectStore('outcomes').index('at').getAllKeys(old)) {
        await trx.objectStore('outcomes').delete(id);
      }
      await trx.done;
    },

    /** The line as it was last kept, and when it was current. */
    async line(owner: string): Promise<{ asOf: number; line: SavedLine } | undefined> {
      const trx = db.transaction(['lines', 'parties']);
      const line = await trx.objectStore('lines').get(owner);
      if (line === undefined) return undefined;
      const { asOf, queues, occupancy } = line;
      const parties = await trx.objectStore('parties').getAll(partiesOf(owner));
      return { asOf, line: { queues, parties, occupancy } };
    },

    /** Keeps all changes or none; none if the line that they change has been deleted. */
    async saveLine(owner: string, asOf: number, changes: LineChanges): Promise<void> {
      const { queues, occupancy, parties, forgotten, isWhole } = changes;
      const trx = db.transaction(['lines', 'parties'], 'readwrite');
      const lines = trx.objectStore('lines');
      const kept = trx.objectStore('parties');
      if (isWhole) await kept.delete(partiesOf(owner));
      else if ((await lines.getKey(owner)) === undefined) throw new Error('The line is not kept');
      await lines.put({ owner, asOf, queues, occupancy });
      for (const id of forgotten) await kept.delete([owner, id]);
      for (let from = 0; from < parties.length; from += writtenAtOnce) {
        const some = parties.slice(from, from + writtenAtOnce);
        await Promise.all(some.map((party) => kept.put({ ...party, owner })));
      }
      await trx.done;
    },

    /** How many presses of an account, in any venue, have not been acknowledged. */
    async pressesOf(userId: string): Promise<number> {
      return db.countFromIndex('presses', 'owner', ownersOf(userId));
    },

    /** Deletes everything of an account, for its sign-out; also presses that have not been acknowledged. */
    async forget(userId: string): Promise<void> {
      const stores = ['presses', 'lines', 'parties'] as const;
      const trx = db.transaction(stores, 'readwrite', { durability: 'strict' });
      const presses = trx.objectStore('presses');
      for (const order of await presses.index('owner').getAllKeys(ownersOf(userId))) {
        await presses.delete(order);
      }
      await trx.objectStore('lines').delete(ownersOf(userId));
      await trx
        .objectStore('parties')
        .delete(IDBKeyRange.bound([ownerOf(userId, '')], [ownerOf(userId, '\uffff')]));
      await trx.done;
    },

    close: () => db.close(),
  };
}

function ownersOf(userId: string): IDBKeyRange {
  return IDBKeyRange.bound(ownerOf(userId, ''), ownerOf(userId, '\uffff'));
}

function partiesOf(owner: string): IDBKeyRange {
  return IDBKeyRange.bound([owner], [owner, []]);
}
