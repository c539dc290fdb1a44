import { priorGapSeconds } from '../model/pace.ts';

/** What a rule knows when somebody joins. */
interface Seen {
  /** Everyone who waits, of any lane. */
  ahead: number;
  /** Between consecutive calls, the newest last. */
  gaps: number[];
  /** Moving average of the gaps; the newest weighs 0.3. */
  gapAverage: number | null;
  /** Of those called after a wait, the newest last. */
  waits: number[];
}

/** The rules by which products in the field tell guests how long they will wait, in seconds. */
export const rules = {
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
 * A night is no gap between calls. Counting it, or the waits of 0 of those who walked straight in, would be as
 * true to the rules' words and makes each of them worse: what they are compared with must not be.
 */
const gapSecondsMax = 30 * 60;

/** What the rules go by, from one call to the next. */
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
