import type { Occupancy } from '@queue-manager/contracts/occupancy';
import type { Lane } from '@queue-manager/contracts/parties';
import { createServerClock } from '@queue-manager/ui/server-clock';
import { browserHost, type Host } from './host.ts';
import { type Conflict, LineModel, type QueueView } from './line-model.ts';
import { type LineStore, ownerOf } from './line-store.ts';
import { type Connection, createLineSync, type OpenStream } from './line-sync.ts';
import { createOutbox, type LineApi, type Told } from './outbox.ts';
import { type Action, allows, type Override, type Press, rowAfter } from './press.ts';
import { provisionalKey } from './provisional-key.ts';
import { factsOf, type Personal, type Row } from './row.ts';

/*
 * The line of a venue for one account on one device: what the server says, live, with the presses of the host on top.
 * Presses show at once, are kept on the device and are sent in order, also after a reload or a night without network.
 */

/** What a screen shows. Parts that have not changed are the same objects as before. */
export type LineSnapshot = {
  readonly connection: Connection;
  /** When the line was last known to be current, by the clock of the device; null if never. */
  readonly asOf: number | null;
  readonly queues: readonly QueueView[];
  readonly occupancy: Occupancy | null;
  /** How many presses the server has not acknowledged, without those that it has refused. */
  readonly queued: number;
  readonly conflicts: readonly Conflict[];
};

/** What a host does. Parties are named by the `key` of their row. */
export type Doing =
  | { kind: 'callNext'; queueId: string; minSize?: number; maxSize?: number; lane?: Lane }
  | {
      kind: 'call' | 'depart' | 'noShow' | 'remove' | 'restore';
      party: string;
      reason?: string;
    }
  | ({ kind: 'seat'; party: string } & Override)
  /** To a position among those that wait, counted without the party. */
  | { kind: 'move'; party: string; position: number; reason: string }
  | ({
      kind: 'edit';
      party: string;
      changes: Partial<Personal & { name: string; size: number }>;
    } & Override)
  | {
      kind: 'add';
      queueId: string;
      name: string;
      size?: number;
      lane?: Lane;
      email?: string | null;
      phone?: string | null;
      notes?: string | null;
      locale?: string;
    }
  | ({ kind: 'count'; delta: number } & Override);

/** A press that was taken. */
export type Pressed = {
  id: string;
  /** The key of the row that it is about; null for a count at the door. */
  party: string | null;
  /** The row before it; null if it added the party. */
  before: Row | null;
  action: Action;
  /** Resolves when the device has stored it; rejects if it cannot, and the press is not shown any more. */
  saved: Promise<void>;
};

/** Why a press was not taken. */
export type NotPressed = 'nobody-waiting' | 'not-found' | 'invalid-transition' | 'venue-full';

export type Line = {
  getSnapshot(): LineSnapshot;
  /** Calls back after every change, once for those of a moment. */
  subscribe(listener: () => void): () => void;
  row(key: string): Row | undefined;
  press(doing: Doing): Pressed | NotPressed;
  /** Takes a press back, unless another on the same party has followed. */
  undo(pressed: Pressed): Pressed | NotPressed;
  /** Drops what was refused, with what was pressed after it on the same party, or does it anyway. */
  resolve(conflictId: string, decision: 'drop' | 'repeat', override?: Override): Promise<void>;
  /** Connects again and sends what is queued, for instance once the account has signed in again. */
  refresh(): void;
  close(): void;
};

export type LineOptions = {
  userId: string;
  venueId: string;
  api: LineApi;
  openStream: OpenStream;
  store: LineStore;
  host?: Host;
};

const saveMs = 5_000;

/** Whether a refused press can be done anyway. */
export function canRepeat({ press }: Conflict): boolean {
  const { action, refusal } = press;
  if (action.kind === 'undo') return false;
  if (action.kind === 'add' || action.kind === 'count') return true;
  return (
    refusal?.now !== null && refusal?.now !== undefined && allows(action.kind, refusal.now.state)
  );
}

export async function openLine(options: LineOptions): Promise<Line> {
  const { userId, venueId, store, host = browserHost } = options;
  const owner = ownerOf(userId, venueId);
  const clock = createServerClock(host.now);
  const model = new LineModel(userId, host.now);
  const listeners = new Set<() => void>();
  let snapshot: LineSnapshot | null = null;
  let isTelling = false;
  let isClosed = false;
  let asOf: number | null = null;
  let cancelSave: (() => void) | null = null;
  /** Whether the device has some state of the line, with which the stand opens without network. */
  let isKept = false;

  function changed(): void {
    snapshot = null;
    if (outbox.peopleUnderWay() === 0) sync.released();
    if (isTelling || isClosed) return;
    isTelling = true;
    queueMicrotask(() => {
      isTelling = false;
      if (isClosed) return;
      for (const listener of listeners) listener();
      saveLater();
    });
  }

  function saveLater(): void {
    if (sync.connection() !== 'live') return;
    cancelSave ??= host.later(
      () => {
        cancelSave = null;
        const changes = model.takeChanges();
        store
          .saveLine(owner, sync.heardAt() ?? host.now(), changes)
          .catch(() => model.returnChanges());
        isKept = true;
      },
      isKept ? saveMs : 0,
    );
  }

  const api: LineApi = {
    async call(route, given) {
      const answer = await options.api.call(route, given);
      clock.note(Date.parse(answer.headers.get('date') ?? ''));
      return answer;
    },
  };
  const channel = host.channel(`queue-manager-line ${owner}`);
  const outbox = createOutbox({
    userId,
    venueId,
    owner,
    api,
    store,
    model,
    host,
    now: () => Math.round(clock.now()),
    onChange: () => changed(),
    onAnswer: (answer) => sync.answered(answer),
    onReached(isReached) {
      if (!isReached) sync.check();
    },
    tell: (told: Told) => channel.send(told),
  });

  await store.sweep(host.now());
  const saved = await store.line(owner);
  if (saved !== undefined) {
    model.restore(saved.line);
    asOf = saved.asOf;
    isKept = true;
  }

  const sync = createLineSync({
    venueId,
    api,
    openStream: options.openStream,
    model,
    host,
    isCounting: () => outbox.peopleUnderWay() !== 0,
    onChange: () => changed(),
    onReached: () => outbox.kick(),
  });
  await outbox.reload();
  channel.listen((message) => {
    const told = message as Told;
    if (told.kind === 'answer' && told.party !== null) {
      if (told.isAdded) model.nameParty(told.pressId, told.party.id);
      model.setParty(told.party);
    }
    void outbox.reload();
  });
  const stopListening = host.onWake((isOffline) => {
    sync.wake(isOffline);
    if (!isOffline) outbox.kick();
  });
  outbox.kick();

  function getSnapshot(): LineSnapshot {
    const connection = sync.connection();
    if (connection === 'live') asOf = sync.heardAt();
    snapshot ??= {
      connection,
      asOf,
      queues: model.queues(),
      occupancy: model.occupancy(),
      queued: queuedPresses(),
      conflicts: model.conflicts(),
    };
    return snapshot;
  }

  function queuedPresses(): number {
    const conflicts = model.conflicts();
    const held = conflicts.reduce((sum, { behind }) => sum + 1 + behind.length, 0);
    return model.presses.length - held;
  }

  function take(action: Action, row: Row | null): Pressed {
    const id = host.newId();
    const last = row === null ? undefined : model.lastPressOn(row.key);
    const press: Press = {
      id,
      owner,
      at: Math.round(clock.now()),
      action,
      party: row === null ? null : (row.id ?? row.key),
      after: last?.id ?? null,
      seq: row === null || row.id === null ? null : row.seq,
      saw: row === null ? null : factsOf(row),
      key: host.newId(),
      sentAt: null,
      request: null,
      failures: 0,
      refusal: null,
    };
    const party = action.kind === 'add' ? id : (row?.key ?? null);
    const saved = action.kind === 'undo' ? undoLast(action.of, press) : outbox.add(press);
    saved.catch(() => {});
    return { id, party, before: row, action, saved };
  }

  function undoLast(pressId: string, undoing: Press): Promise<void> {
    const press = model.presses.find(({ id }) => id === pressId);
    return press === undefined ? outbox.add(undoing) : outbox.undo(press, undoing);
  }

  function press(doing: Doing): Pressed | NotPressed {
    if (doing.kind === 'add') {
      const { size = 1, lane = 'regular', email = null, phone = null, notes = null } = doing;
      return take({ ...doing, size, lane, email, phone, notes }, null);
    }
    if (doing.kind === 'count') {
      return isFull(doing.delta, doing) ? 'venue-full' : take(doing, null);
    }
    if (doing.kind === 'callNext') {
      const row = nextOf(doing);
      return row === undefined ? 'nobody-waiting' : take({ kind: 'call' }, row);
    }
    const { party, ...rest } = doing;
    const row = model.row(party);
    if (row === undefined) return 'not-found';
    const action = rest.kind === 'move' ? placed(rest, row) : rest;
    if (!allows(action.kind, row.state)) return 'invalid-transition';
    const after = rowAfter(action, row, row.joinedAt);
    const people = seatedIn(after) - seatedIn(row);
    return isFull(people, doing as Override) ? 'venue-full' : take(action, row);
  }

  /** Without network others may have left: the server decides once it is back. */
  function isFull(people: number, { override }: Override): boolean {
    if (people <= 0 || override === true || sync.connection() !== 'live') return false;
    const available = model.occupancy()?.available ?? null;
    return available !== null && people > available;
  }

  function nextOf({ queueId, minSize = 1, maxSize, lane }: Extract<Doing, { kind: 'callNext' }>) {
    return viewOf(queueId)?.waiting.find(
      (row) =>
        row.size >= minSize &&
        row.size <= (maxSize ?? row.size) &&
        row.lane === (lane ?? row.lane) &&
        row.conflictId === null,
    );
  }

  function viewOf(queueId: string): QueueView | undefined {
    return model.queues().find(({ queue }) => queue.id === queueId);
  }

  function placed({ position, reason }: { position: number; reason: string }, row: Row): Action {
    const others = (viewOf(row.queueId)?.waiting ?? []).filter(({ key }) => key !== row.key);
    const index = Math.min(Math.max(position, 1), others.length + 1) - 1;
    const [behind, ahead] = [others[index - 1], others[index]];
    const fits =
      (behind === undefined || behind.lane === row.lane || behind.lane === 'priority') &&
      (ahead === undefined || ahead.lane === row.lane || ahead.lane === 'regular');
    const lane = fits ? row.lane : ((behind ?? ahead)?.lane ?? row.lane);
    const keyOf = (other: Row | undefined) => (other?.lane === lane ? other.orderKey : null);
    return {
      kind: 'move',
      reason,
      position: index + 1,
      ahead: ahead?.id ?? ahead?.key ?? null,
      behind: behind?.id ?? behind?.key ?? null,
      place: { lane, orderKey: provisionalKey(keyOf(behind), keyOf(ahead)) },
    };
  }

  function undo({ id, party, before, action }: Pressed): Pressed | NotPressed {
    if (action.kind === 'count') {
      const press = model.presses.find((one) => one.id === id);
      const back: Action = { kind: 'count', delta: -action.delta };
      if (press === undefined) return take(back, null);
      return undoCount(press, back);
    }
    const row = party === null ? undefined : model.row(party);
    if (row === undefined) return 'not-found';
    const last = model.lastPressOn(row.key);
    if (last !== undefined && last.id !== id) return 'invalid-transition';
    return take({ kind: 'undo', of: id, before: action.kind === 'add' ? null : before }, row);
  }

  function undoCount(press: Press, back: Action): Pressed {
    const pressed = { id: host.newId(), party: null, before: null, action: back };
    const undoing: Press = {
      ...press,
      id: pressed.id,
      at: Math.round(clock.now()),
      action: back,
      key: host.newId(),
      sentAt: null,
      request: null,
      failures: 0,
      refusal: null,
    };
    return { ...pressed, saved: outbox.undo(press, undoing) };
  }

  return {
    getSnapshot,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    row: (key) => model.row(key),
    press,
    undo,
    resolve: outbox.resolve,
    refresh() {
      sync.check();
      outbox.kick();
    },
    close() {
      isClosed = true;
      sync.stop();
      outbox.stop();
      stopListening();
      cancelSave?.();
      channel.close();
    },
  };
}

function seatedIn(row: Row | null): number {
  return row?.state === 'seated' ? row.size : 0;
}
