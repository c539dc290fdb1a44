type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields that a partial change really names; `null` is a value. */
export function definedOnly<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
