import { once } from 'node:events';
import { createReadStream, type ReadStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { CsvError, parse } from 'csv-parse';

/** One row of a trace. Times in whole seconds, `arrivalSeconds` since midnight of its day. */
export interface Arrival {
  arrivalSeconds: number;
  /** Until served or abandoned; 0 means at once. */
  waitSeconds: number;
  outcome: 'served' | 'abandoned';
}

/** The arrivals of one day, in file order. */
export interface TraceDay {
  day: string;
  arrivals: Arrival[];
}

/** An arrival of a whole trace. */
export interface TracedArrival extends Arrival {
  day: string;
  isPriority: boolean;
}

/** An event of the arrival with this index, at a second since midnight. */
export type TraceEvent = { atSeconds: number; arrival: number } & (
  | { kind: 'join' /** Parties waiting in the trace before this event. */; waitingBefore: number }
  | { kind: 'call' | 'leave' }
);

/** Required columns; others are ignored. */
const columns = ['day', 'arrival_s', 'wait_s', 'outcome'] as const;
type Column = (typeof columns)[number];

/**
 * Reads one day of a trace: CSV with a header, gzipped or not.
 *
 * @param wanted the day as `YYYY-MM-DD`; default the one with the most arrivals, the first of equals.
 * @throws StackError that says in one line what is wrong with the file.
 */
export async function readTrace(path: string, wanted?: string): Promise<TraceDay> {
  const days = new Map<string, Arrival[]>();
  await readRows(path, ({ day, isPriority: _, ...arrival }) => {
    const known = days.get(day) ?? [];
    days.set(day, known);
    // Of other days only the name is kept.
    if (wanted === undefined || day === wanted) known.push(arrival);
  });
  return choose(days, wanted, path);
}

/**
 * Reads all days of a trace, in file order. A 2 in the optional column `priority` marks a priority party.
 *
 * @throws StackError that says in one line what is wrong with the file.
 */
export async function readWholeTrace(path: string): Promise<TracedArrival[]> {
  const arrivals: TracedArrival[] = [];
  await readRows(path, (arrival) => arrivals.push(arrival));
  if (arrivals.length === 0) throw new StackError(`cannot replay ${path}: it has no arrivals`);
  return arrivals;
}

async function readRows(path: string, onRow: (arrival: TracedArrival) => void): Promise<void> {
  try {
    const file = createReadStream(path);
    await pipeline(
      file,
      (await isGzip(file)) ? createGunzip() : new PassThrough(),
      parse({ bom: true, trim: true, skip_empty_lines: true, info: true }),
      async (rows: AsyncIterable<{ record: string[]; info: { lines: number } }>) => {
        let at: Record<Column, number> | undefined;
        let priorityAt = -1;
        for await (const { record, info } of rows) {
          if (at === undefined) {
            at = columnsIn(record);
            priorityAt = record.indexOf('priority');
            continue;
          }
          onRow({
            day: dayIn(record[at.day], info.lines),
            arrivalSeconds: secondsIn(record[at.arrival_s], 'arrival_s', info.lines),
            waitSeconds: secondsIn(record[at.wait_s], 'wait_s', info.lines),
            outcome: outcomeIn(record[at.outcome], info.lines),
            isPriority: record[priorityAt] === '2',
          });
        }
        if (at === undefined) throw new StackError('it is empty');
      },
    );
  } catch (error) {
    const wrong = whatIsWrong(error);
    if (wrong === undefined) throw error;
    throw new StackError(`cannot replay ${path}: ${wrong}`);
  }
}

function columnsIn(header: string[]): Record<Column, number> {
  const missing = columns.filter((name) => !header.includes(name));
  if (missing.length > 0) {
    throw new StackError(
      `line 1 names no column ${missing.join(', ')} (a trace has ${columns.join(', ')})`,
    );
  }
  return Object.fromEntries(columns.map((name) => [name, header.indexOf(name)])) as Record<
    Column,
    number
  >;
}

function dayIn(text = '', line: number): string {
  if (isDay(text)) return text;
  throw new StackError(
    `line ${line}: day must be a date such as 2026-05-29, not "${shortened(text)}"`,
  );
}

function secondsIn(text = '', column: string, line: number): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(seconds)) return seconds;
  throw new StackError(
    `line ${line}: ${column} must be a whole number of seconds, not "${shortened(text)}"`,
  );
}

function outcomeIn(text = '', line: number): Arrival['outcome'] {
  if (text === 'served' || text === 'abandoned') return text;
  throw new StackError(
    `line ${line}: outcome must be served or abandoned, not "${shortened(text)}"`,
  );
}

/** Shortens an invalid value for a message. */
function shortened(text: string, charsMax = 40): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}

/** Whether the text is a calendar date as `YYYY-MM-DD`. */
export function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return (
    /^\d{4}-\d{2}-\d{2}$/.test(text) &&
    !Number.isNaN(date.getTime()) &&
    date.toISOString().startsWith(text)
  );
}

/** By its first two bytes (RFC 1952); the name does not matter. */
async function isGzip(file: ReadStream): Promise<boolean> {
  await once(file, 'readable');
  const head: Buffer | null = file.read(2);
  if (head !== null) file.unshift(head);
  return head?.readUInt16BE() === 0x1f8b;
}

/** What is wrong with the file; undefined when the error has another cause. */
function whatIsWrong(error: unknown): string | undefined {
  if (error instanceof StackError) return error.message;
  // The message contains bytes of the file, which may be anything.
  if (error instanceof CsvError) return shortened(error.message.replace(/[^ -~]+/g, '…'), 120);
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'it may not be read';
  if (code === 'Z_BUF_ERROR') return 'its gzip data ends too early';
  if (code.startsWith('Z_')) return 'its gzip data is damaged';
  return message;
}

function choose(days: Map<string, Arrival[]>, wanted: string | undefined, path: string): TraceDay {
  const names = [...days.keys()].sort();
  if (names.length === 0) throw new StackError(`cannot replay ${path}: it has no arrivals`);
  if (wanted !== undefined) {
    const arrivals = days.get(wanted);
    if (arrivals) return { day: wanted, arrivals };
    throw new StackError(
      `cannot replay ${path}: it has no day ${wanted}, only ${names[0]} to ${names.at(-1)}`,
    );
  }
  let busiest: TraceDay = { day: '', arrivals: [] };
  for (const [day, arrivals] of days) {
    if (arrivals.length > busiest.arrivals.length) busiest = { day, arrivals };
  }
  return busiest;
}

/**
 * Sorts a day's arrivals and exits into playing order: by second; within a second exits before arrivals, each in file
 * order; a wait of 0 ends right after its arrival.
 */
export function orderEvents(arrivals: readonly Arrival[]): TraceEvent[] {
  const planned = arrivals.map(({ arrivalSeconds, waitSeconds, outcome }, arrival) => ({
    arrival,
    joinsAt: arrivalSeconds,
    exitsAt: arrivalSeconds + waitSeconds,
    kind: outcome === 'served' ? ('call' as const) : ('leave' as const),
  }));
  // Sorting is stable, so equals stay in file order.
  const joins = planned.toSorted((a, b) => a.joinsAt - b.joinsAt);
  const exits = planned
    .filter(({ joinsAt, exitsAt }) => exitsAt > joinsAt)
    .sort((a, b) => a.exitsAt - b.exitsAt);

  const events: TraceEvent[] = [];
  let waiting = 0;
  let nextExit = 0;
  const playExitsUntil = (seconds: number) => {
    for (let exit = exits[nextExit]; exit && exit.exitsAt <= seconds; exit = exits[++nextExit]) {
      events.push({ kind: exit.kind, atSeconds: exit.exitsAt, arrival: exit.arrival });
      waiting--;
    }
  };
  for (const { arrival, joinsAt, exitsAt, kind } of joins) {
    playExitsUntil(joinsAt);
    events.push({ kind: 'join', atSeconds: joinsAt, arrival, waitingBefore: waiting });
    if (exitsAt === joinsAt) events.push({ kind, atSeconds: exitsAt, arrival });
    else waiting++;
  }
  playExitsUntil(Number.POSITIVE_INFINITY);
  return events;
}
