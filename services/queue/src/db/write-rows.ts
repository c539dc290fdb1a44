import { CompiledQuery, type Insertable, type Updateable } from 'kysely';
import type { DatabaseTransaction } from './database.ts';
import { preparedQuery } from './prepared-query.ts';
import type { Tables } from './tables.ts';

/*
 * The statements that every change of a line runs under its lock, built from the column names of a row: Kysely took
 * longer to build them than MySQL to run them. Values are parameters; the types of the tables limit the names.
 */

/** Keeps a statement far below any server's packet limit when a whole line is removed. */
const rowsPerStatement = 500;
/** Inserts of more rows are not prepared, since each number of rows is another text. */
const preparedRowsMax = 4;

/** Inserts rows that all have the same columns, in as few statements as possible. */
export async function insertRows<Table extends keyof Tables & string>(
  trx: DatabaseTransaction,
  table: Table,
  rows: readonly Insertable<Tables[Table]>[],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const places = `(${columns.map(() => '?').join(', ')})`;
  for (let from = 0; from < rows.length; from += rowsPerStatement) {
    const chunk = rows.slice(from, from + rowsPerStatement) as readonly Record<string, unknown>[];
    const parameters = chunk.flatMap((row) => columns.map((column) => row[column] ?? null));
    const text = `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${chunk.map(() => places).join(', ')}`;
    await trx.executeQuery(
      chunk.length <= preparedRowsMax
        ? preparedQuery(text, parameters)
        : CompiledQuery.raw(text, parameters),
    );
  }
}

/**
 * Updates columns of the row with this primary key. A prepared statement, so the sets of columns must be few: those
 * that the code names, not those that a caller of the API chooses.
 */
export async function updateRow<Table extends keyof Tables & string>(
  trx: DatabaseTransaction,
  table: Table,
  changes: Updateable<Tables[Table]>,
  key: Partial<Tables[Table]>,
): Promise<void> {
  const assigned = Object.keys(changes).map((column) => `${column} = ?`);
  const matched = Object.keys(key).map((column) => `${column} = ?`);
  await trx.executeQuery(
    preparedQuery(`UPDATE ${table} SET ${assigned.join(', ')} WHERE ${matched.join(' AND ')}`, [
      ...Object.values(changes),
      ...Object.values(key),
    ]),
  );
}
