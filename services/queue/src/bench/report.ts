import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

export type Machine = {
  cores: number;
  model: string;
  memoryGb: number;
  node: string;
  loadBefore: number;
  loadAfter: number;
};

/** What a measurement ran on; the load of the machine when it began is given by who began it. */
export function describeMachine(loadBefore: number): Machine {
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadBefore,
    loadAfter: currentLoad(),
  };
}

/** Of the last minute. */
export function currentLoad(): number {
  return loadavg()[0] ?? Number.NaN;
}

export type Row = { what: string; measured: string; goal?: string; isReached?: boolean };

/** Rows as columns, each with its goal and whether that was reached. */
export function rowsAsText(rows: readonly Row[]): string {
  const width = (cell: (row: Row) => string) => Math.max(...rows.map((row) => cell(row).length), 0);
  const whatWidth = width(({ what }) => what);
  const measuredWidth = width(({ measured }) => measured);
  return rows
    .map(({ what, measured, goal, isReached }) =>
      [
        `  ${what.padEnd(whatWidth)}`,
        measured.padEnd(measuredWidth),
        goal === undefined ? '' : `goal ${goal}: ${isReached ? 'reached' : 'MISSED'}`,
      ]
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The middle one; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (
    ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2
  );
}

/** The smallest value that so large a part is not greater than. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
