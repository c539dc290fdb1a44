type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields of a partial change that are set and differ from the row; `null` is a value. */
export function changedOnly<T extends object>(
  row: { [K in keyof T]: unknown },
  fields: T,
): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) => value !== undefined && value !== row[name as keyof T],
    ),
  ) as Defined<T>;
}
