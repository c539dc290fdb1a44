import type { Lane, PartyState } from '@queue-manager/contracts/parties';
import type { Position } from '@queue-manager/contracts/positions';
import { placeOf } from './place.ts';

/** What a guest is told, whether it asks or watches; `ahead` and `lane` are null unless the party waits. */
export function positionOf(
  given: {
    state: PartyState;
    ahead: number | null;
    lane: Lane | null;
    waiting: number;
    seq: number;
  },
  asOf: Date,
): Position {
  const { state, ahead, waiting, seq } = given;
  const place = placeOf({ ahead, asOf });
  return {
    state,
    position: place?.position ?? null,
    ahead,
    waiting,
    estimate: place?.estimate ?? null,
    asOf: asOf.toISOString(),
    seq,
  };
}
