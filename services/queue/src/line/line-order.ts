import { sql } from 'kysely';

/** A party's place: lane, key within the lane, and the id for equal keys. */
type LinePlace = { lane: number; order_key: Buffer; id: Buffer };

/**
 * The conditions that a party is behind or ahead of this place. Written as ranges, because neither MySQL nor MariaDB uses an index
 * for a comparison of row values.
 */
const compared = (operator: '>' | '<') => (table: string, place: LinePlace) => {
  const { lane, order_key, id } = place;
  const column = (name: string) => sql.ref(`${table}.${name}`);
  const is = sql.raw(operator);
  return sql<boolean>`(
    ${column('lane')} ${is} ${lane}
    OR (${column('lane')} = ${lane} AND ${column('order_key')} ${is} ${order_key})
    OR (${column('lane')} = ${lane} AND ${column('order_key')} = ${order_key} AND ${column('id')} ${is} ${id}))`;
};

export const behind = compared('>');
export const ahead = compared('<');
