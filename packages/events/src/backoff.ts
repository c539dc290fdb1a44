const firstMs = 100;
const lastMs = 5_000;

/** The pause before the given retry, counted from 1, in milliseconds: doubling from 100 ms, 5 s at most. */
export function backoffMs(attempt: number): number {
  return Math.min(lastMs, firstMs * 2 ** (attempt - 1));
}
