/*
 * A stand without its screen, for a page: the line and its presses as the backoffice has them, on the API of the system.
 */

import { createClient } from '@queue-manager/client/client';
import { openLineStore } from '../../../apps/backoffice/src/app/line/line-store.ts';
import {
  type Doing,
  type Line,
  openLine,
  type Pressed,
} from '../../../apps/backoffice/src/app/line/open-line.ts';

export type Opened = { userId: string; venueId: string; token: string };
/** What a press would do to the row that `pick` falls on. */
export type Drawn = { kind: string; pick: number; size: number };
export type Shown = {
  connection: string;
  queued: number;
  conflicts: { id: string; ids: string[] }[];
  occupancy: number | null;
  /** By queue, those that wait in order, then the others. */
  lines: Record<string, { id: string | null; state: string; size: number; notes: string | null }[]>;
};
/** A press, as noted before anything else could happen. */
export type Noted = { id: string; kind: string; delta: number };

const notesKey = 'presses';
const parts = ['waiting', 'called', 'seated', 'ended'] as const;

let line: Line;
let last: Pressed | null = null;

function note(pressed: Pressed): void {
  const { id, action } = pressed;
  const noted: Noted = { id, kind: action.kind, delta: action.kind === 'count' ? action.delta : 0 };
  const all = JSON.parse(localStorage.getItem(notesKey) ?? '[]') as Noted[];
  localStorage.setItem(notesKey, JSON.stringify([...all, noted]));
  last = pressed;
}

function doingOf({ kind, pick, size }: Drawn, queueId: string): Doing | null {
  if (kind === 'add') return { kind, queueId, name: `Guest ${pick}`, size };
  if (kind === 'count') return { kind, delta: pick % 2 === 0 ? 1 : -1 };
  if (kind === 'callNext') return { kind, queueId };
  const view = line.getSnapshot().queues.find(({ queue }) => queue.id === queueId);
  const rows = parts.flatMap((part) => [...(view?.[part] ?? [])]);
  const row = rows[pick % Math.max(1, rows.length)];
  if (row === undefined) return null;
  const party = row.key;
  if (kind === 'move') return { kind, party, position: size, reason: 'stroller' };
  if (kind === 'edit') return { kind, party, changes: { notes: crypto.randomUUID() } };
  return { kind, party } as Doing;
}

export const stand = {
  async open({ userId, venueId, token }: Opened): Promise<void> {
    const client = createClient(location.origin);
    line = await openLine({
      userId,
      venueId,
      store: await openLineStore(),
      api: { call: (route, options) => client.call(route, { ...options, token }) },
      openStream: (lastEventId, signal) =>
        fetch(`/v1/live/venues/${venueId}`, {
          headers: {
            authorization: `Bearer ${token}`,
            ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
          },
          signal,
        }),
    });
  },

  /** Resolves when the press is kept, with its id; null if it was not taken. */
  async press(drawn: Drawn, queueId: string): Promise<string | null> {
    const doing = doingOf(drawn, queueId);
    const pressed = doing === null ? 'not-found' : line.press(doing);
    if (typeof pressed === 'string') return null;
    note(pressed);
    await pressed.saved;
    return pressed.id;
  },

  /** Takes the last press back; returns its id, and that of the press that undoes it. */
  async undo(): Promise<[string, string] | null> {
    const before = last;
    const pressed = before === null ? 'not-found' : line.undo(before);
    if (typeof pressed === 'string') return null;
    note(pressed);
    await pressed.saved;
    last = null;
    return before === null ? null : [before.id, pressed.id];
  },

  /** Decides on the first press that was refused; returns it and those behind it. */
  async decide(decision: 'drop' | 'repeat'): Promise<string[]> {
    const [conflict] = stand.shown().conflicts;
    if (conflict === undefined) return [];
    await line.resolve(conflict.id, decision);
    return conflict.ids;
  },

  shown(): Shown {
    const { connection, queued, conflicts, occupancy, queues } = line.getSnapshot();
    return {
      connection,
      queued,
      conflicts: conflicts.map(({ press, behind }) => ({
        id: press.id,
        ids: [press, ...behind].map(({ id }) => id),
      })),
      occupancy: occupancy?.occupancy ?? null,
      lines: Object.fromEntries(
        queues.map((view) => [
          view.queue.id,
          parts.flatMap((part) =>
            view[part].map(({ id, state, size, notes }) => ({ id, state, size, notes })),
          ),
        ]),
      ),
    };
  },

  /** Whether nothing is under way any more, and a queue has as many waiting. */
  isIdle(queueId?: string, waiting = 0): boolean {
    const { connection, queued, queues } = line.getSnapshot();
    const rows = queues.flatMap((view) => parts.flatMap((part) => [...view[part]]));
    const isIdle = connection === 'live' && queued === 0 && rows.every(({ isRead }) => isRead);
    if (!isIdle || queueId === undefined) return isIdle;
    return queues.find(({ queue }) => queue.id === queueId)?.waiting.length === waiting;
  },

  /** Ends a night: drops what was refused, and forgets what was pressed. */
  async forget(): Promise<void> {
    while ((await stand.decide('drop')).length > 0);
    localStorage.removeItem(notesKey);
    last = null;
  },

  notes: () => JSON.parse(localStorage.getItem(notesKey) ?? '[]') as Noted[],

  /** The presses that the server has acknowledged, with the event of each. */
  async outcomes(): Promise<Record<string, { partyId: string | null; seq: number | null }>> {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('queue-manager-line');
      request.onsuccess = () => resolve(request.result);
    });
    const all = await new Promise<{ id: string; partyId: string | null; seq: number | null }[]>(
      (resolve) => {
        const request = database.transaction('outcomes').objectStore('outcomes').getAll();
        request.onsuccess = () => resolve(request.result);
      },
    );
    database.close();
    return Object.fromEntries(all.map(({ id, partyId, seq }) => [id, { partyId, seq }]));
  },
};

Object.assign(globalThis, { stand });
