import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { SavedLine } from './line-model.ts';
import type { Press, Refusal, Request } from './press.ts';

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
  lines: { key: string; value: { owner: string; asOf: number; line: SavedLine } };
}

/** How long outcomes and lines are kept. */
const keptMs = 24 * 60 * 60_000;

export type LineStore = Awaited<ReturnType<typeof openLineStore>>;

/** An account in a venue. */
export function ownerOf(userId: string, venueId: string): string {
  return `${userId} ${venueId}`;
}

export async function openLineStore(name = 'queue-manager-line') {
  const db: IDBPDatabase<Schema> = await openDB<Schema>(name, 1, {
    upgrade(upgraded) {
      const presses = upgraded.createObjectStore('presses', { keyPath: 'order' });
      presses.createIndex('owner', 'owner');
      presses.createIndex('id', 'id', { unique: true });
      upgraded.createObjectStore('outcomes', { keyPath: 'id' }).createIndex('at', 'at');
      upgraded.createObjectStore('lines', { keyPath: 'owner' });
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
      const trx = db.transaction(['lines', 'outcomes'], 'readwrite');
      for (const line of await trx.objectStore('lines').getAll()) {
        if (line.asOf < now - keptMs) await trx.objectStore('lines').delete(line.owner);
      }
      const old = IDBKeyRange.upperBound(now - keptMs);
      for (const id of await trx.objectStore('outcomes').index('at').getAllKeys(old)) {
        await trx.objectStore('outcomes').delete(id);
      }
      await trx.done;
    },

    line(owner: string) {
      return db.get('lines', owner);
    },

    async saveLine(owner: string, asOf: number, line: SavedLine): Promise<void> {
      await db.put('lines', { owner, asOf, line });
    },

    /** How many presses of an account, in any venue, have not been acknowledged. */
    async pressesOf(userId: string): Promise<number> {
      return db.countFromIndex('presses', 'owner', ownersOf(userId));
    },

    /** Deletes everything of an account, for its sign-out; also presses that have not been acknowledged. */
    async forget(userId: string): Promise<void> {
      const trx = db.transaction(['presses', 'lines'], 'readwrite', { durability: 'strict' });
      const presses = trx.objectStore('presses');
      for (const order of await presses.index('owner').getAllKeys(ownersOf(userId))) {
        await presses.delete(order);
      }
      await trx.objectStore('lines').delete(ownersOf(userId));
      await trx.done;
    },

    close: () => db.close(),
  };
}

function ownersOf(userId: string): IDBKeyRange {
  return IDBKeyRange.bound(ownerOf(userId, ''), ownerOf(userId, '\uffff'));
}
