import { sql } from 'kysely';

/** Where a party stands: lane, key within the lane, and the id where two keys are the same. */
type LinePlace = { lane: number; order_key: Buffer; id: Buffer };

/**
 * The condition "stands behind this place". Written out as ranges: neither MySQL nor MariaDB seeks into an
 * index by a comparison of row values.
 */
export function behind(table: string, place: LinePlace) {
  const { lane, order_key, id } = place;
  const column = (name: string) => sql.ref(`${table}.${name}`);
  return sql<boolean>`(
    ${column('lane')} > ${lane}
    OR (${column('lane')} = ${lane} AND ${column('order_key')} > ${order_key})
    OR (${column('lane')} = ${lane} AND ${column('order_key')} = ${order_key} AND ${column('id')} > ${id}))`;
}
