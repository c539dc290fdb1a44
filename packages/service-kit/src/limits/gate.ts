import { assertInTime, remainingMs, tooBusy } from './deadline.ts';

type GateOptions = {
  /** Maximum of work that runs at the same time; may change. */
  atOnce: number | (() => number);
  /** Maximum that waits for it. */
  waitingMax: number;
};

export type Gate = {
  /**
   * Runs `work` in its turn, in the order of the calls. Throws `unavailable` when too many wait already, unless the caller
   * is patient, or when the deadline of the caller passes first.
   */
  run<T>(work: () => Promise<T>, patience?: Patience): Promise<T>;
};

/** Background work has all the time: refusing it would only make it fail. */
type Patience = { isPatient: boolean };

/** Weight of the latest work in the average duration. */
const latestWeight = 1 / 16;

/**
 * Limits how much runs at the same time and how much waits for it. Refuses at once what would wait past its deadline,
 * by the average duration of earlier work.
 * Ours rather than p-limit or p-queue, whose queues neither refuse nor know a deadline.
 */
export function createGate({ atOnce, waitingMax }: GateOptions): Gate {
  let running = 0;
  let averageMs = 0;
  const waiting = new Set<() => void>();
  const runningMax = typeof atOnce === 'number' ? () => atOnce : atOnce;

  async function enter(isPatient: boolean): Promise<void> {
    assertInTime();
    if (running < runningMax()) {
      running += 1;
      return;
    }
    const ms = remainingMs();
    const waitMs = ((waiting.size + 1) * averageMs) / runningMax();
    const isFull = waiting.size >= waitingMax && !isPatient;
    if (isFull || (ms !== undefined && waitMs > ms)) throw tooBusy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.add(resolve);
    const timer = ms === undefined ? undefined : setTimeout(() => reject(tooBusy()), ms);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      waiting.delete(resolve);
    }
  }

  function leave(): void {
    running -= 1;
    for (const next of waiting) {
      if (running >= runningMax()) return;
      running += 1;
      waiting.delete(next);
      next();
    }
  }

  return {
    async run(work, { isPatient } = { isPatient: false }) {
      await enter(isPatient);
      const begun = performance.now();
      try {
        return await work();
      } finally {
        averageMs += (performance.now() - begun - averageMs) * latestWeight;
        leave();
      }
    },
  };
}

/** A gate for each key, such as an account or a queue. */
export type KeyedGate = {
  run<T>(key: string, work: () => Promise<T>, patience?: Patience): Promise<T>;
};

type KeyedGateOptions = {
  atOnce: number;
  /** Of one key while others run work or have done so lately; by default as many as without them. */
  atOnceAmongOthers?: number;
  waitingMax: number;
  /** How long others count after their latest work. */
  latelyMs?: number;
};

export function createKeyedGate(options: KeyedGateOptions): KeyedGate {
  const { atOnce, atOnceAmongOthers = atOnce, waitingMax, latelyMs = 1_000 } = options;
  const gates = new Map<string, { gate: Gate; callers: number }>();
  /** When work of a key was last called for, and when that of any other key. */
  let latest = { key: '', at: Number.NEGATIVE_INFINITY };
  let othersAt = Number.NEGATIVE_INFINITY;

  const isAmongOthers = (key: string) =>
    gates.size > 1 || performance.now() - (key === latest.key ? othersAt : latest.at) < latelyMs;
  const create = (key: string) =>
    createGate({ atOnce: () => (isAmongOthers(key) ? atOnceAmongOthers : atOnce), waitingMax });

  return {
    async run(key, work, patience) {
      if (key !== latest.key) othersAt = latest.at;
      latest = { key, at: performance.now() };
      const entry = gates.get(key) ?? { gate: create(key), callers: 0 };
      gates.set(key, entry);
      entry.callers += 1;
      try {
        return await entry.gate.run(work, patience);
      } finally {
        entry.callers -= 1;
        if (entry.callers === 0) gates.delete(key);
      }
    },
  };
}
