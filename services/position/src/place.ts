import type { Place } from '@queue-manager/contracts/internal';
import { estimateWait } from './estimate.ts';

/** What a party is told of its place; null unless it is waiting, with `ahead` parties before it. */
export function placeOf(given: { ahead: number | null; asOf: Date }): Place | null {
  const { ahead, asOf } = given;
  if (ahead === null) return null;
  return { position: ahead + 1, estimate: estimateWait({ ahead, asOf }) };
}
