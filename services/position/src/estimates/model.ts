import type { Lane } from '@queue-manager/contracts/parties';
import type { LearningEvent } from './learning-event.ts';

/** Stands in every estimate, and in front of every serialised model: another number is another model. */
export const modelName = 'online-quantiles-1';

/** What is known of a queue; a few KB however long the line. */
export interface Model {
  /** Of the newest event it has observed; 0 before the first. */
  seq: number;
  paceSeconds: number;
  calledAtMs: number;
}

/** A party that waits, or would if it joined now, in the terms that a position is answered with. */
export interface Standing {
  /** Parties that wait before it, in the order of the line. */
  ahead: number;
  lane: Lane;
  /** All that wait, itself included. */
  waiting: number;
  nowMs: number;
}

/** Seconds from `nowMs` on, whole and never negative, p10 ≤ p50 ≤ p90. */
export type Quantiles = { p10: number; p50: number; p90: number };

export function createModel(): Model {
  return { seq: 0, paceSeconds: 120, calledAtMs: 0 };
}

/** Learns from the next event of the queue; changes the model. One that it has seen changes nothing. O(1). */
export function observe(model: Model, event: LearningEvent): void {
  if (event.seq <= model.seq) return;
  model.seq = event.seq;
  if (event.kind !== 'called') return;
  const gap = (event.timeMs - model.calledAtMs) / 1_000;
  model.calledAtMs = event.timeMs;
  if (gap < 1_800) model.paceSeconds += 0.2 * (gap - model.paceSeconds);
}

/** What a party is told. The model stays as it is; the same question has the same answer. */
export function estimate(model: Model, { ahead }: Standing): Quantiles {
  const seconds = (ahead + 1) * model.paceSeconds;
  return { p10: Math.round(seconds / 2), p50: Math.round(seconds), p90: Math.round(seconds * 2) };
}

/** A few KB, to be kept wherever bytes are kept. */
export function serialise(model: Model): Buffer {
  return Buffer.from(JSON.stringify({ modelName, model }));
}

/** null for bytes of another model, or none. */
export function restore(bytes: Uint8Array): Model | null {
  try {
    const read = JSON.parse(Buffer.from(bytes).toString()) as { modelName: string; model: Model };
    return read.modelName === modelName ? read.model : null;
  } catch {
    return null;
  }
}
