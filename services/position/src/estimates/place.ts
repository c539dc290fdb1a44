import type { Place } from '@queue-manager/contracts/internal';
import type { Lane } from '@queue-manager/contracts/parties';
import type { Estimate } from '@queue-manager/contracts/values';
import { estimate, type Model, modelName } from '../model/model.ts';

/** `ahead`, `lane` and `size` are null unless the party waits. */
type Standing = {
  ahead: number | null;
  lane: Lane | null;
  size: number | null;
  waiting: number;
};

/** The party's position and estimate; null unless it is waiting. */
export function placeOf(model: Model, standing: Standing, asOf: Date): Place | null {
  const { ahead, lane, size, waiting } = standing;
  if (ahead === null || lane === null) return null;
  return {
    position: ahead + 1,
    estimate: {
      ...estimate(model, { ahead, lane, size, waiting, nowMs: asOf.getTime() }),
      ...source(asOf),
    },
  };
}

/** Estimate for a party that joined now, behind everyone in the regular lane; `size` is null for a typical one. */
export function waitIfJoined(
  model: Model,
  { size, waiting }: { size: number | null; waiting: number },
  asOf: Date,
): Estimate {
  const standing = { ahead: waiting, lane: 'regular', size, waiting: waiting + 1 } as const;
  return { ...estimate(model, { ...standing, nowMs: asOf.getTime() }), ...source(asOf) };
}

const source = (asOf: Date) => ({ model: modelName, asOf: asOf.toISOString() });
