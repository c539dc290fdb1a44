import { sql } from 'kysely';

/** The condition that the columns are one of these keys. With an index on them: one seek per key, in index order. */
export function keyIn(columns: readonly string[], keys: readonly (readonly unknown[])[]) {
  const rows = keys.map((key) => sql`(${sql.join(key)})`);
  return sql<boolean>`(${sql.join(columns.map((column) => sql.ref(column)))}) IN (${sql.join(rows)})`;
}
