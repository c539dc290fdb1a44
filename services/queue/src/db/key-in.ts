import { sql } from 'kysely';

/** The condition that the columns hold one of these keys: with an index on them, one seek per key, in its order. */
export function keyIn(columns: readonly string[], keys: readonly (readonly unknown[])[]) {
  const rows = keys.map((key) => sql`(${sql.join(key)})`);
  return sql<boolean>`(${sql.join(columns.map((column) => sql.ref(column)))}) IN (${sql.join(rows)})`;
}
