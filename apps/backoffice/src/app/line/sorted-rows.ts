/** Rows in order. The array that was handed out never changes; after a change there is a new one. */
export type SortedRows<T> = {
  insert(row: T): void;
  /** Removes a row that was inserted. */
  remove(row: T): void;
  rows(): readonly T[];
};

export function sortedRows<T>(compare: (a: T, b: T) => number): SortedRows<T> {
  let rows: T[] = [];
  let isHandedOut = false;

  function own(): T[] {
    if (isHandedOut) rows = [...rows];
    isHandedOut = false;
    return rows;
  }

  /** The index of the first row that does not sort before this one. */
  function indexOf(row: T): number {
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(rows[middle] as T, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    insert(row) {
      own().splice(indexOf(row), 0, row);
    },
    remove(row) {
      const index = indexOf(row);
      if (rows[index] !== row) throw new Error('There is no such row');
      own().splice(index, 1);
    },
    rows() {
      isHandedOut = true;
      return rows;
    },
  };
}
