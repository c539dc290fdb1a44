import type { Lane, PartyState } from '@queue-manager/contracts/parties';
import type { Position } from '@queue-manager/contracts/positions';
import { placeOf } from '../estimates/place.ts';
import type { Model } from '../model/model.ts';

/** A guest's position, for polling and streaming alike; `ahead`, `lane` and `size` are null unless the party waits. */
export function positionOf(
  standing: {
    state: PartyState;
    ahead: number | null;
    lane: Lane | null;
    size: number | null;
    waiting: number;
    seq: number;
  },
  model: Model,
  asOf: Date,
): Position {
  const { state, ahead, waiting, seq } = standing;
  const place = placeOf(model, standing, asOf);
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
