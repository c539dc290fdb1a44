import type { Lane, PartyState } from '@queue-manager/contracts/parties';
import type { Position } from '@queue-manager/contracts/positions';
import { placeOf } from '../estimates/place.ts';
import type { Model } from '../model/model.ts';

/** What a guest is told, whether it asks or watches; `ahead` and `lane` are null unless the party waits. */
export function positionOf(
  given: {
    state: PartyState;
    ahead: number | null;
    lane: Lane | null;
    waiting: number;
    seq: number;
  },
  model: Model,
  asOf: Date,
): Position {
  const { state, ahead, waiting, seq } = given;
  const place = placeOf(model, given, asOf);
  return {
    state,
    position: place?.position ?? null,
    ahead,
    waiting,
    estimate: place?.estimate ?? null,
    asOf: place?.estimate.asOf ?? asOf.toISOString(),
    seq,
  };
}
