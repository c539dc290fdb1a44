import { setTimeout as delay } from 'node:timers/promises';
import { everyItem } from '@queue-manager/client/client';
import type { Contract } from '@queue-manager/contracts/contract';
import { leaveQueue } from '@queue-manager/contracts/guests';
import {
  addParty,
  callParty,
  listParties,
  type Party,
  type PartyState,
  partyStates,
} from '@queue-manager/contracts/parties';
import { getPosition } from '@queue-manager/contracts/positions';
import { createQueue } from '@queue-manager/contracts/queues';
import { limits } from '@queue-manager/contracts/values';
import { createVenue } from '@queue-manager/contracts/venues';
import { StackError } from '@queue-manager/local-stack/stack-error';
import {
  type Caller,
  createCaller,
  type Retries,
  succeed,
  successOf,
  type Timed,
} from '../callers/retrying-caller.ts';
import { openAccount } from '../callers/staff-account.ts';
import { orderEvents, type TraceDay, type TraceEvent } from '../trace/trace.ts';

/** The calls that are timed. */
export const timedCalls = ['join', 'position', 'call', 'leave', 'list'] as const;
type TimedCall = (typeof timedCalls)[number];

/** Percentiles by nearest rank in milliseconds; null without such a call. */
export interface Latency {
  p50: number | null;
  p99: number | null;
}

export interface ReplayResult {
  /** Arrivals whose join was acknowledged. */
  joined: number;
  called: number;
  left: number;
  /** Parties listed as waiting at the end. */
  stillWaiting: number;
  /** Lists of waiting parties that differed from the expected ones in the order of joining. */
  orderViolations: number;
  /** Guests whose position was not the number waiting in the trace plus one. */
  positionMismatches: number;
  /** Acknowledged joins that the lists at the end do not show in the state of the trace. */
  lost: number;
  /** Parties listed at the end as called more than once. */
  calledTwice: number;
  /** Parties listed at the end without an acknowledged join. */
  doubled: number;
  /** Joins, calls and leaves that were refused. */
  refused: number;
  retried: Retries & {
    /** Position reads that returned null. */ unknownPosition: number;
  };
  latencyMs: Record<TimedCall, Latency>;
}

interface ReplayOptions {
  gatewayUrl: string;
  /** The inbox's HTTP API. */
  mailUrl: string;
  trace: TraceDay;
  /** Multiple of real time; default as fast as possible. */
  speed?: number | undefined;
  signal: AbortSignal;
  /** Number of events played so far, and in total. */
  onProgress(done: number, total: number): void;
  note(text: string | null): void;
}

/** Events between two checks of the list. */
const eventsPerList = 200;
const readyMsMax = 30_000;
const unknownPositionMsMax = 30_000;
/** The maximum, so that no call of a replay becomes a no-show. */
const callGraceSeconds = 24 * 60 * 60;

/**
 * Plays one day of a trace against a running system through its public API, and checks the results. Makes one request at
 * a time, so that the system receives the events in the order of the trace.
 *
 * @throws StackError when no system answers, the setup is refused, or the system stays unavailable for too long.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { gatewayUrl, mailUrl, trace, speed, signal, onProgress, note } = options;
  await awaitReady(gatewayUrl, signal);
  const caller = createCaller({ gatewayUrl, signal, note });
  const staff = await openAccount(caller, mailUrl, signal);
  const line = await openLine(caller, staff, trace, signal);

  const events = orderEvents(trace.arrivals);
  const firstAt = events[0]?.atSeconds ?? 0;
  const startedAt = performance.now();
  onProgress(0, events.length);
  for (const [index, event] of events.entries()) {
    if (speed !== undefined) {
      const dueAt = startedAt + ((event.atSeconds - firstAt) * 1_000) / speed;
      const early = dueAt - performance.now();
      if (early > 0) await delay(early, undefined, { signal });
    }
    await line.play(event);
    if ((index + 1) % eventsPerList === 0) await line.checkOrder();
    onProgress(index + 1, events.length);
  }
  return line.finish();
}

/** Waits until the system is ready. @throws StackError when none answers. */
export async function awaitReady(gatewayUrl: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + readyMsMax;
  for (;;) {
    let status: number;
    try {
      const answer = await fetch(new URL('/readyz', gatewayUrl), {
        signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      });
      await answer.body?.cancel();
      status = answer.status;
    } catch {
      signal.throwIfAborted();
      throw new StackError(
        `no system answers at ${gatewayUrl}: start one with npm start, or set GATEWAY_PORT`,
      );
    }
    if (status === 200) return;
    if (status !== 503 || performance.now() > deadline) {
      throw new StackError(`the system at ${gatewayUrl} is not ready: /readyz answers ${status}`);
    }
    await delay(500, undefined, { signal });
  }
}

/** Creates a venue and a queue, and keeps a model of the queue's expected state. */
async function openLine(
  caller: ReturnType<typeof createCaller>,
  staff: Caller,
  trace: TraceDay,
  signal: AbortSignal,
): Promise<{
  play(event: TraceEvent): Promise<void>;
  checkOrder(): Promise<void>;
  finish(): Promise<ReplayResult>;
}> {
  const { id: venueId } = await succeed(staff, createVenue, {
    body: { name: `Replay of ${trace.day}`, timezone: 'UTC' },
  });
  const { id: queueId } = await succeed(staff, createQueue, {
    params: { venueId },
    body: { name: 'Replay', callGraceSeconds },
  });

  /** By arrival; refused joins are missing. */
  const parties = new Map<number, { id: string; ticket: string }>();
  /** The state of each acknowledged party according to the trace. */
  const expected = new Map<string, PartyState>();
  /** Ids in the order of joining. */
  const waiting = new Set<string>();
  const counts = { joined: 0, called: 0, left: 0, refused: 0 };
  const timings = Object.fromEntries(timedCalls.map((kind) => [kind, [] as number[]])) as Record<
    TimedCall,
    number[]
  >;
  let orderViolations = 0;
  let positionMismatches = 0;
  let unknownPosition = 0;

  /** Records the time of a call. @returns undefined when it was refused. */
  function acknowledged<C extends Contract>(kind: TimedCall, { answer, ms }: Timed<C>) {
    if (!answer.ok) {
      counts.refused++;
      return undefined;
    }
    timings[kind].push(ms);
    return answer.body;
  }

  async function join(arrival: number, waitingBefore: number): Promise<void> {
    const timed = await staff.call(addParty, {
      params: { queueId },
      body: { name: `Guest ${arrival + 1}` },
    });
    const party = acknowledged('join', timed);
    if (party === undefined) return;
    counts.joined++;
    parties.set(arrival, { id: party.id, ticket: party.ticket });
    expected.set(party.id, 'waiting');
    waiting.add(party.id);

    const expectedPosition = waitingBefore + 1;
    // Null in the answer means "not known yet"; the read below gets it.
    const positionAtJoin = party.position ?? expectedPosition;
    const positionAfter = await readPosition(party.ticket);
    if (positionAtJoin !== expectedPosition || positionAfter !== expectedPosition) {
      positionMismatches++;
    }
  }

  /** The guest's position; null when it stays unknown. */
  async function readPosition(ticket: string): Promise<number | null> {
    const deadline = performance.now() + unknownPositionMsMax;
    for (;;) {
      const timed = await caller.call(getPosition, { params: { ticket } });
      const body = acknowledged('position', timed);
      if (body === undefined) return null;
      const isUnknown = body.position === null && body.state === 'waiting';
      if (!isUnknown || performance.now() > deadline) return body.position;
      unknownPosition++;
      await delay(100, undefined, { signal });
    }
  }

  async function exit(kind: 'call' | 'leave', arrival: number): Promise<void> {
    const party = parties.get(arrival);
    if (party === undefined) return;
    parties.delete(arrival);
    waiting.delete(party.id);
    if (kind === 'call') {
      expected.set(party.id, 'called');
      const timed = await staff.call(callParty, { params: { partyId: party.id } });
      if (acknowledged('call', timed)) counts.called++;
    } else {
      expected.set(party.id, 'left');
      const timed = await caller.call(leaveQueue, { params: { ticket: party.ticket } });
      if (acknowledged('leave', timed)) counts.left++;
    }
  }

  /** Parties in these states, page by page. */
  function readParties(states: readonly PartyState[]): AsyncGenerator<Party> {
    const query = { state: states.join(','), limit: limits.pageSizeMax };
    return everyItem(async (page) => {
      const timed = await staff.call(listParties, {
        params: { queueId },
        query: { ...query, ...page },
      });
      const body = successOf(listParties, timed.answer);
      timings.list.push(timed.ms);
      return body;
    });
  }

  async function checkOrder(): Promise<number> {
    const seen: string[] = [];
    for await (const { id } of readParties(['waiting'])) seen.push(id);
    const inOrder = [...waiting];
    if (seen.length !== inOrder.length || seen.some((id, at) => id !== inOrder[at])) {
      orderViolations++;
    }
    return seen.length;
  }

  async function finish(): Promise<ReplayResult> {
    const stillWaiting = await checkOrder();
    let calledTwice = 0;
    let doubled = 0;
    const missing = new Map(expected);
    for await (const { id, state, calls } of readParties(partyStates)) {
      if (!expected.has(id)) doubled++;
      if (missing.get(id) === state) missing.delete(id);
      if (calls > 1) calledTwice++;
    }
    return {
      joined: counts.joined,
      called: counts.called,
      left: counts.left,
      stillWaiting,
      orderViolations,
      positionMismatches,
      lost: missing.size,
      calledTwice,
      doubled,
      refused: counts.refused,
      retried: { ...caller.retries, unknownPosition },
      latencyMs: Object.fromEntries(
        timedCalls.map((kind) => [kind, latencyOf(timings[kind])]),
      ) as Record<TimedCall, Latency>,
    };
  }

  return {
    async play(event) {
      if (event.kind === 'join') await join(event.arrival, event.waitingBefore);
      else await exit(event.kind, event.arrival);
    },
    async checkOrder() {
      await checkOrder();
    },
    finish,
  };
}

/** Percentiles by nearest rank, to a hundredth of a millisecond. */
export function latencyOf(ms: readonly number[]): Latency {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number) => {
    const value = sorted[Math.ceil(share * sorted.length) - 1];
    return value === undefined ? null : Math.round(value * 100) / 100;
  };
  return { p50: at(0.5), p99: at(0.99) };
}

/** Whether any check failed. */
export function hasFailed(result: ReplayResult): boolean {
  const { lost, calledTwice, doubled, orderViolations, positionMismatches, refused } = result;
  return lost + calledTwice + doubled + orderViolations + positionMismatches + refused > 0;
}
