import type { Selectable, Updateable } from 'kysely';
import type { PartyRow, PartyTable } from '../db/tables.ts';

type Stored = string | number | null;

/**
 * What a change by staff overwrote: columns of the party's row, with times and bytes as text, and how many people it
 * counted in. A change that is taken back puts exactly these back, which is right only while it is the party's last one.
 */
export type Undo = { row: Partial<Record<keyof PartyTable, Stored>>; people?: number };

const bytes = new Set<string>(['order_key']);
const isTime = (column: string) => column.endsWith('_at');

/** What these columns hold now. */
export function undoOf(
  party: PartyRow,
  columns: Iterable<string>,
  people: number | undefined,
): Undo {
  const row = Object.fromEntries(
    Array.from(columns, (column) => [column, stored(party[column as keyof PartyRow])]),
  );
  return people === undefined || people === 0 ? { row } : { row, people };
}

/** The columns to put back. */
export function overwritten({ row }: Undo): Updateable<PartyTable> {
  const columns = Object.entries(row).map(([column, value]) => [column, restored(column, value)]);
  return Object.fromEntries(columns) as Updateable<PartyTable>;
}

function stored(value: Selectable<PartyTable>[keyof PartyTable]): Stored {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return value instanceof Date ? value.toISOString() : value;
}

function restored(column: string, value: Stored) {
  if (typeof value !== 'string') return value;
  if (bytes.has(column)) return Buffer.from(value, 'hex');
  return isTime(column) ? new Date(value) : value;
}
