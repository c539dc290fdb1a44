import type { Board } from '@queue-manager/contracts/positions';

export type Call = Board['called'][number];

/** Enough for every call that is still on a board. */
const knownMax = 500;

/**
 * Tells which calls of a board are new, oldest first. A call is known by its time: its label changes when names cannot be
 * read for a while. A recall has a new time. What the first board shows was called before this screen was switched on.
 */
export function callWatch(): (called: readonly Call[]) => Call[] {
  /** How many calls of each time are known. */
  const known = new Map<string, number>();
  let startedAfter: string | null = null;

  return (called) => {
    const isFirst = startedAfter === null;
    startedAfter ??=
      called
        .map(({ calledAt }) => calledAt)
        .sort()
        .at(-1) ?? '';
    const counts = new Map<string, number>();
    const fresh: Call[] = [];
    for (const call of called) {
      const count = (counts.get(call.calledAt) ?? 0) + 1;
      counts.set(call.calledAt, count);
      if (count <= (known.get(call.calledAt) ?? 0)) continue;
      known.set(call.calledAt, count);
      // An earlier call returns to a full board once later ones have left it.
      if (!isFirst && call.calledAt >= startedAfter) fresh.push(call);
    }
    for (const time of known.keys()) {
      if (known.size <= knownMax) break;
      known.delete(time);
    }
    return fresh.reverse();
  };
}

/** Names one call on the screen. */
export const keyOf = ({ label, calledAt }: Call) => `${calledAt} ${label}`;

export const isNumber = (label: string) => /^\d+$/.test(label);
