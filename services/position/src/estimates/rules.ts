import { priorGapSeconds } from '../model/pace.ts';

/** What a rule may use when a party joins. */
interface Seen {
  /** All waiting parties, of any lane. */
  ahead: number;
  /** Gaps between consecutive calls, latest last. */
  gaps: number[];
  /** Moving average of the gaps, with weight 0.3 for the latest. */
  gapAverage: number | null;
  /** Waits of parties that waited and were called, latest last. */
  waits: number[];
}

/** Rules that existing products estimate waits by, in seconds: the baselines of the comparison. */
const rules = {
  'average-gap': ({ ahead, gapAverage }) => ahead * (gapAverage ?? priorGapSeconds),
  'mean-gap': ({ ahead, gaps }) => (ahead + 1) * mean(gaps),
  'last-wait': ({ waits }) => waits.at(-1) ?? priorGapSeconds,
  'mean-wait': ({ waits }) => mean(waits),
  constant: ({ ahead }) => (ahead + 1) * 30,
} as const satisfies Record<string, (seen: Seen) => number>;

export type Rule = keyof typeof rules;

export const ruleNames = Object.keys(rules) as Rule[];

const remembered = 30;
const newestWeight = 0.3;

/**
 * Nights do not count as gaps, nor do waits of 0 s. The rules' definitions would allow either, but both make every
 * rule worse, and the baselines should be as strong as possible.
 */
const gapSecondsMax = 30 * 60;

/** Collects what the rules use. */
export function createRuleBook() {
  const gaps: number[] = [];
  const waits: number[] = [];
  let gapAverage: number | null = null;
  let calledAt: number | null = null;
  return {
    predict(ahead: number): Record<Rule, number> {
      const seen = { ahead, gaps, gapAverage, waits };
      return Object.fromEntries(ruleNames.map((name) => [name, rules[name](seen)])) as Record<
        Rule,
        number
      >;
    },
    noteCall(atSeconds: number, waitSeconds: number) {
      if (calledAt !== null && atSeconds - calledAt <= gapSecondsMax) {
        const gap = atSeconds - calledAt;
        remember(gaps, gap);
        gapAverage = gapAverage === null ? gap : gapAverage + newestWeight * (gap - gapAverage);
      }
      calledAt = atSeconds;
      if (waitSeconds > 0) remember(waits, waitSeconds);
    },
  };
}

function remember(values: number[], newest: number): void {
  values.push(newest);
  if (values.length > remembered) values.shift();
}

function mean(values: number[]): number {
  if (values.length === 0) return priorGapSeconds;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
