import type { Answer, CallOptions } from '@queue-manager/client/client';
import { problemCode } from '@queue-manager/client/client';
import type { OperationId } from '@queue-manager/client/operations';
import type { Occupancy } from '@queue-manager/contracts/occupancy';
import type { Party } from '@queue-manager/contracts/parties';
import type { ProblemDetails } from '@queue-manager/contracts/problems';
import type { Host } from './host.ts';
import type { LineModel } from './line-model.ts';
import type { LineStore } from './line-store.ts';
import {
  type Action,
  eventOf,
  isDone,
  isOutdated,
  type Override,
  type Press,
  type Refusal,
  type Request,
  requestOf,
} from './press.ts';
import { factsOf } from './row.ts';

/** The API with the access token of the account. Calls reject when there is no answer. */
export type LineApi = {
  call<const R extends OperationId>(route: R, options: CallOptions<R>): Promise<Answer<R>>;
};

export type Outbox = {
  /** Shows a press, keeps it on the device and sends it. Resolves when it is kept. */
  add(press: Press): Promise<void>;
  /** Shows the press as undone; takes it back if it was never sent, or sends `undo`. */
  undo(press: Press, undo: Press): Promise<void>;
  /** Drops a refused press and those behind it, or sends it again as it is decided now. */
  resolve(pressId: string, decision: 'drop' | 'repeat', override?: Override): Promise<void>;
  /** Sends what is queued, now. */
  kick(): void;
  /** Reads again what is kept: another tab has changed it. */
  reload(): Promise<void>;
  /** By how many people the press under way changes the occupancy. */
  peopleUnderWay(): number;
  stop(): void;
};

/** What tabs tell each other. */
export type Told =
  | { kind: 'presses' }
  | { kind: 'answer'; pressId: string; isAdded: boolean; party: Party | null };

export type OutboxOptions = {
  userId: string;
  venueId: string;
  owner: string;
  api: LineApi;
  store: LineStore;
  model: LineModel;
  host: Host;
  /** By the server's clock. */
  now(): number;
  /** The presses or what is shown have changed. */
  onChange(): void;
  /** A press was acknowledged. */
  onAnswer(answer: { party: Party | null; occupancy: Occupancy | null; people: number }): void;
  /** Whether the server answered the last call. */
  onReached(isReached: boolean): void;
  tell(told: Told): void;
};

const retryMs = 1_000;
const retryMsMax = 20_000;
const timeoutMs = 15_000;
/** A press that the server fails on as often as this is shown as refused, so that others are not held up. */
const failuresMax = 5;
/** Keys are kept by the server for a day from the first answer. */
const keyMs = 23 * 60 * 60_000;

export function createOutbox(options: OutboxOptions): Outbox {
  const { userId, venueId, owner, api, store, model, host } = options;
  /** Shown, and not yet on the disk. */
  const unsaved = new Map<string, Press>();
  let stored: readonly Press[] = [];
  let isDraining = false;
  let mustDrainAgain = false;
  let attempts = 0;
  let cancelRetry = () => {};
  let isStopped = false;
  let underWay = 0;

  function show(): void {
    const isStored = new Set(stored.map(({ id }) => id));
    model.setPresses([...stored, ...[...unsaved.values()].filter(({ id }) => !isStored.has(id))]);
    options.onChange();
  }

  function setStored(presses: readonly Press[]): void {
    stored = presses;
    show();
  }

  async function reload(): Promise<void> {
    const presses = await store.presses(owner);
    for (const { party } of presses) {
      if (party === null || model.idOf(party) !== null) continue;
      const added = await store.outcome(party);
      if (added?.partyId) model.nameParty(party, added.partyId);
    }
    setStored(presses);
  }

  async function add(press: Press): Promise<void> {
    unsaved.set(press.id, press);
    show();
    try {
      await store.addPress(press);
      stored = await store.presses(owner);
    } finally {
      unsaved.delete(press.id);
      show();
    }
    options.tell({ kind: 'presses' });
    kick();
  }

  async function undo(press: Press, undoing: Press): Promise<void> {
    unsaved.set(undoing.id, undoing);
    show();
    // Not yet on the disk; it may be sent in the meantime.
    const isTakenBack = await store.takeBack(press.id);
    if (!isTakenBack) return add(undoing);
    unsaved.delete(undoing.id);
    await reload();
    options.tell({ kind: 'presses' });
  }

  async function resolve(
    pressId: string,
    decision: 'drop' | 'repeat',
    override?: Override,
  ): Promise<void> {
    const press = model.presses.find(({ id }) => id === pressId);
    if (press === undefined || press.refusal === null) return;
    if (decision === 'drop') {
      await store.drop([pressId, ...model.pressesBehind(press).map(({ id }) => id)]);
    } else {
      const { now } = press.refusal;
      const action = { ...press.action, ...override } as Action;
      const isSame = now === null && override === undefined;
      await store.update(pressId, {
        action,
        failures: 0,
        refusal: null,
        // The same request keeps its key.
        ...(isSame ? {} : decidedAgain(now)),
      });
    }
    await reload();
    options.tell({ kind: 'presses' });
    kick();
  }

  /** As if the host had pressed now: another request, with a key of its own. */
  function decidedAgain(now: Party | null): Partial<Press> {
    const saw = now === null ? null : factsOf(now);
    return { seq: now?.seq ?? null, saw, after: null, key: host.newId(), request: null };
  }

  function kick(): void {
    cancelRetry();
    cancelRetry = () => {};
    void drain();
  }

  async function drain(): Promise<void> {
    if (isStopped) return;
    if (isDraining) {
      mustDrainAgain = true;
      return;
    }
    isDraining = true;
    let waitMs: number | null = null;
    do {
      mustDrainAgain = false;
      // One tab sends at a time, so that presses are sent in order.
      waitMs = await host.exclusively(`queue-manager-line ${owner}`, sendAll).catch(() => retryMs);
    } while (mustDrainAgain && waitMs === null && !isStopped);
    isDraining = false;
    if (waitMs !== null && !isStopped) cancelRetry = host.later(drain, waitMs);
  }

  /** Sends presses until none is left, or returns how long to wait before trying again. */
  async function sendAll(): Promise<number | null> {
    while (!isStopped) {
      await reload();
      const press = nextPress();
      if (press === undefined) return null;
      const waitMs = await send(press);
      underWay = 0;
      if (waitMs !== null) return waitMs;
      attempts = 0;
    }
    return null;
  }

  /** The first press on a party of which none was refused. */
  function nextPress(): Press | undefined {
    const refused = new Set<string>();
    return stored.find((press) => {
      const of = press.action.kind === 'count' ? press.id : model.keyOfPress(press);
      if (press.refusal !== null) refused.add(of);
      return !refused.has(of);
    });
  }

  /** Sends one press. Returns how long to wait before trying again; null if it is dealt with. */
  async function send(press: Press): Promise<number | null> {
    const request = press.request ?? (await prepare(press));
    if (request === null) return null;
    underWay = model.peopleOfPress(press);
    const answer = await call(request, press.key);
    if (answer === null) return backOff();
    if (answer.ok) {
      await settle(press, answer.body);
      return null;
    }
    const { status, headers, problem } = answer;
    if (status === 401) return backOff();
    if (status === 408 || status === 429 || status >= 500) {
      const failures = press.failures + 1;
      if (status !== 500 || failures < failuresMax) {
        if (status === 500) await store.update(press.id, { failures });
        return Number(headers.get('retry-after')) * 1_000 || backOff();
      }
    }
    return refused(press, request, problem);
  }

  /** The request of a press, as it will be sent each time. Null if there is none to send. */
  async function prepare(press: Press): Promise<Request | null> {
    const request = requestOf(press, venueId, await targetOf(press), positionOf(press));
    const sentAt = press.sentAt ?? options.now();
    if (!(await store.markSent(press.id, request, sentAt))) return null;
    setStored(stored.map((one) => (one.id === press.id ? { ...one, request, sentAt } : one)));
    return request;
  }

  /** The party of a press and the event that it follows; null if it has no party. */
  async function targetOf(press: Press): Promise<{ partyId: string; seq: number } | null> {
    const { party, after, action } = press;
    if (party === null) return null;
    const partyId = (await store.outcome(party))?.partyId ?? party;
    const before = action.kind === 'undo' ? action.of : after;
    const seq = before === null ? null : ((await store.outcome(before))?.seq ?? null);
    return { partyId, seq: seq ?? press.seq ?? model.known(partyId)?.seq ?? 0 };
  }

  /** Counts where a moved party belongs by now, in the line as the server has it. */
  const positionOf = (press: Press) => (move: Extract<Action, { kind: 'move' }>) => {
    const own = press.party === null ? null : model.idOf(press.party);
    const queueId = own === null ? undefined : model.known(own)?.queueId;
    if (queueId === undefined) return move.position;
    const waiting = model.waitingOf(queueId).filter((id) => id !== own);
    const indexOf = (key: string | null) =>
      key === null ? -1 : waiting.indexOf(model.idOf(key) ?? '');
    const ahead = indexOf(move.ahead);
    if (ahead !== -1) return ahead + 1;
    const behind = indexOf(move.behind);
    return behind === -1 ? Math.min(move.position, waiting.length + 1) : behind + 2;
  };

  type RawAnswer = {
    status: number;
    headers: Headers;
  } & ({ ok: true; body: unknown } | { ok: false; problem: ProblemDetails | null });

  /** Null when there is no answer. */
  async function call(
    { operation, params, body }: Pick<Request, 'operation' | 'params'> & { body?: unknown },
    idempotencyKey?: string,
  ): Promise<RawAnswer | null> {
    const given = {
      params,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    };
    try {
      const answer = await api.call(operation, given as unknown as CallOptions<OperationId>);
      options.onReached(true);
      return answer as RawAnswer;
    } catch {
      options.onReached(false);
      return null;
    }
  }

  function backOff(): number {
    const ms = Math.min(retryMs * 2 ** attempts, retryMsMax);
    attempts += 1;
    return ms * (0.5 + host.random() / 2);
  }

  async function settle(press: Press, body: unknown): Promise<void> {
    const isCount = press.action.kind === 'count';
    const party = isCount ? null : (body as Party);
    const people = underWay;
    const outcome = { partyId: party?.id ?? null, seq: party?.seq ?? null };
    await store.settle(press.id, outcome, options.now());
    const isAdded = press.action.kind === 'add';
    options.tell({ kind: 'answer', pressId: press.id, isAdded, party });
    if (isAdded && party !== null) model.nameParty(press.id, party.id);
    underWay = 0;
    options.onAnswer({ party, occupancy: isCount ? (body as Occupancy) : null, people });
    setStored(stored.filter(({ id }) => id !== press.id));
  }

  async function refuse(press: Press, refusal: Refusal): Promise<void> {
    const [next] = model.pressesBehind(press);
    if (next?.action.kind === 'undo' && next.action.of === press.id) {
      // It did not happen, and the host has taken it back.
      await store.drop([press.id, next.id]);
    } else {
      await store.refuse(press.id, refusal);
    }
    await reload();
    options.tell({ kind: 'presses' });
  }

  /** Deals with a refusal: some press is done already, or can be sent again; the host decides on the others. */
  async function refused(
    press: Press,
    request: Request,
    problem: ProblemDetails | null,
  ): Promise<number | null> {
    const { action } = press;
    const code = problemCode(problem);
    const partyId = request.params.partyId;
    let now: Party | null = null;
    if (partyId !== undefined) {
      const answer = await call({ operation: 'getParty', params: { partyId } });
      if (answer === null || (!answer.ok && answer.status !== 404)) return backOff();
      if (answer.ok) now = answer.body as Party;
    }
    if (now !== null) {
      model.setParty(now);
      if (action.kind === 'edit' && isDone(action, now)) {
        await settle(press, now);
        return null;
      }
      if (code === 'party-changed') {
        const own = await ownEvent(press, request, now.id);
        if (own === 'unknown') return backOff();
        if (own !== null) {
          await settle(press, { ...now, seq: own });
          return null;
        }
        if (!isOutdated(action, press.saw, now)) {
          await store.update(press.id, decidedAgain(now));
          return null;
        }
      }
    }
    const detail = problem?.detail ?? '';
    await refuse(press, { code, detail, now, at: options.now() });
    return null;
  }

  /** The event of a press whose answer was lost so long ago that the server has forgotten its key. */
  async function ownEvent(
    press: Press,
    request: Request,
    partyId: string,
  ): Promise<number | null | 'unknown'> {
    if (press.sentAt === null || options.now() - press.sentAt < keyMs) return null;
    const answer = await call({ operation: 'listPartyEvents', params: { partyId } });
    if (answer === null || !answer.ok) return 'unknown';
    const { data } = answer.body as {
      data: { seq: number; type: string; actor: { userId?: string } }[];
    };
    const own = data.find(
      ({ seq, type, actor }) =>
        seq > (request.body.seq as number) &&
        actor.userId === userId &&
        type === eventOf(press.action.kind),
    );
    return own?.seq ?? null;
  }

  return {
    add,
    undo,
    resolve,
    kick,
    reload,
    peopleUnderWay: () => underWay,
    stop() {
      isStopped = true;
      cancelRetry();
    },
  };
}
