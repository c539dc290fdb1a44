import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

export type Machine = {
  cores: number;
  model: string;
  memoryGb: number;
  node: string;
  loadBefore: number;
  loadAfter: number;
};

/** The machine of a measurement. `loadBefore` is its load when the measurement began. */
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

/** Load average of the last minute. */
export function currentLoad(): number {
  return loadavg()[0] ?? Number.NaN;
}

export type Row = { what: string; measured: string; goal?: string; isReached?: boolean };

/** Rows in columns, each with its goal and whether it was reached. */
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

/** The mean of the two middle values when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (
    ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2
  );
}

/** Percentile by nearest rank; `share` is 0.99 for the 99th. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
