import { sql } from 'kysely';

/** A party's place: lane, key within the lane, and the id for equal keys. */
type LinePlace = { lane: number; order_key: Buffer; id: Buffer };

/**
 * The condition that a party is behind this place. Written as ranges, because neither MySQL nor MariaDB uses an index
 * for a comparison of row values.
 */
export function behind(table: string, place: LinePlace) {
  const { lane, order_key, id } = place;
  const column = (name: string) => sql.ref(`${table}.${name}`);
  return sql<boolean>`(
    ${column('lane')} > ${lane}
    OR (${column('lane')} = ${lane} AND ${column('order_key')} > ${order_key})
    OR (${column('lane')} = ${lane} AND ${column('order_key')} = ${order_key} AND ${column('id')} > ${id}))`;
}
