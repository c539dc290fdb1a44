/** The pause before a retry in milliseconds; `attempt` counts from 1. Doubles each time, up to `maxMs`. */
export function backoffMs(attempt: number, { firstMs = 100, maxMs = 5_000 } = {}): number {
  return Math.min(maxMs, firstMs * 2 ** (attempt - 1));
}
