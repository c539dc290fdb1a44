import type { QueueView } from '../../line/line-model.ts';

type Waiting = { joinedAt: string; size: number };
type Line = Pick<QueueView, 'queue'> & {
  waiting: readonly Waiting[];
  called: readonly unknown[];
};

export type Totals = {
  waiting: number;
  people: number;
  /** When the party joined that has waited the longest; null if nobody waits. */
  since: number | null;
  called: number;
};

/** The numbers of one or more lines. */
export function totalsOf(lines: readonly Pick<Line, 'waiting' | 'called'>[]): Totals {
  const waiting = lines.flatMap((line) => line.waiting);
  const joined = waiting.map(({ joinedAt }) => Date.parse(joinedAt));
  return {
    waiting: waiting.length,
    people: waiting.reduce((sum, { size }) => sum + size, 0),
    since: joined.length === 0 ? null : joined.reduce((first, time) => Math.min(first, time)),
    called: lines.reduce((sum, { called }) => sum + called.length, 0),
  };
}
