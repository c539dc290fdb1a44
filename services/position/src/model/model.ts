import type { Lane } from '@queue-manager/contracts/parties';
import type { LearningEvent } from './learning-event.ts';
import { createPace, noteCall, noteGone, type Pace, pass } from './pace.ts';
import {
  correction,
  createRegression,
  learn,
  levels,
  type QuantileRegression,
} from './quantile-regression.ts';

/** Stands in every estimate, and in front of every serialised model: another number is another model. */
export const modelName = 'online-quantiles-1';

/**
 * What is known of a queue: how its line moves, what that meant for waits so far, and some of those who wait,
 * whose waits will teach it. A few KB however long the line.
 *
 * A wait is predicted as the prior's, (ahead + 1) × mean gap between calls, times what regression on the
 * features learned from this queue's own waits. The features join what delay prediction knows to work: the
 * queue's length times its pace, and the delays of those served last (Ibrahim and Whitt, Real-Time Delay
 * Estimation Based on Delay History, M&SOM 2009).
 */
export interface Model {
  /** Of the newest event it has observed; 0 before the first. */
  seq: number;
  /** When that was; 0 before the first. */
  timeMs: number;
  /** Whether the line is open to calls. */
  moves: boolean;
  waiting: Record<Lane, number>;
  pace: Pace;
  /**
   * Of those who just joined, and of those with others of their lane behind them: who still waits after a while
   * is not like who comes.
   */
  joining: QuantileRegression;
  inLine: QuantileRegression;
  /** Of those who wait; whoever joins when there are enough is passed over. */
  witnesses: Witness[];
}

/** A party whose wait will be learned from. */
export interface Witness {
  party: number;
  lane: Lane;
  joinedAtMs: number;
  ahead: number;
  joining: Sight;
  /** At one moment since, each as likely; null before any. */
  inLine: Sight | null;
  /** How many moments that was chosen from. */
  looks: number;
}

/** What the line looked like to a party at a moment, in seconds of the pace. */
export interface Sight {
  seconds: number;
  ahead: number;
  gapOfMany: number;
  features: Float32Array;
}

/** Enough that a line of two dozen teaches with every guest; a longer one has plenty to teach anyway. */
const witnessesMax = 24;

/** Before so many calls the pace is the prior's for the most part, and what a wait says is about that only. */
const gapsMin = 10;

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

/** Longer than any line lasts, and short enough that every estimate is a number. */
const secondsMax = 7 * 24 * 60 * 60;

export function createModel(): Model {
  return {
    seq: 0,
    timeMs: 0,
    moves: true,
    waiting: { priority: 0, regular: 0 },
    pace: createPace(),
    joining: createRegression(featureCount),
    inLine: createRegression(featureCount),
    witnesses: [],
  };
}

/**
 * Learns from the next event of the queue; changes the model. One that it has seen changes nothing. The work is
 * bounded, however long the line.
 */
export function observe(model: Model, event: LearningEvent): void {
  if (event.seq <= model.seq) return;
  passTime(model, event.timeMs);
  model.seq = event.seq;
  switch (event.kind) {
    case 'line':
      model.moves = event.moves;
      return;
    case 'joined':
      join(model, event);
      return;
    case 'returned':
      enter(model, event);
      return;
    case 'called':
      call(model, event);
      return;
    case 'gone':
      noteGone(model.pace);
      exit(model, event);
      return;
    case 'removed':
      exit(model, event);
      return;
    case 'moved':
      // It waits for another place now: its wait says nothing of the one it had.
      model.witnesses = model.witnesses.filter(({ party }) => party !== keyOf(event.partyId));
      return;
  }
}

/**
 * What a party is told. The model stays as it is; the same question has the same answer. For a line that is
 * paused or closed: from its pace as if it moved.
 */
export function estimate(model: Model, { ahead, lane, waiting, nowMs }: Standing): Quantiles {
  const behind = Math.max(0, waiting - 1 - ahead);
  const overtaken = lane === 'priority' ? Math.min(behind, model.waiting.regular) : 0;
  const isBusy = model.moves && waitingIn(model) > 0;
  const since = isBusy ? Math.max(0, nowMs - model.timeMs) / 1_000 : 0;
  const features = featuresOf(model.pace, { ahead, lane, overtaken, since });
  const regression = behind > overtaken ? model.inLine : model.joining;
  const [p10, p50, p90] = levels.map((_, quantile) => {
    const logarithm =
      priorOf(model.pace, ahead, quantile) + correction(regression, features, quantile);
    return Math.round(Math.min(Math.exp(logarithm), secondsMax));
  }) as [number, number, number];
  return { p10: Math.min(p10, p50), p50, p90: Math.max(p50, p90) };
}

type PartyEvent = Extract<LearningEvent, { partyId: string }>;

function passTime(model: Model, timeMs: number): void {
  // Events are in the order of the line, and clocks of several machines need not be.
  const isFirst = model.timeMs === 0;
  const seconds = isFirst ? 0 : Math.max(0, timeMs - model.timeMs) / 1_000;
  if (model.moves) pass(model.pace, seconds, waitingIn(model) > 0);
  model.timeMs = Math.max(timeMs, model.timeMs);
}

function join(model: Model, event: PartyEvent): void {
  const { lane, joinedAtMs } = event;
  const ahead = lane === 'priority' ? model.waiting.priority : waitingIn(model);
  enter(model, event);
  lookAgain(model);
  if (model.witnesses.length === witnessesMax || model.pace.gaps < gapsMin) return;
  const party = keyOf(event.partyId);
  const joining = sight(model, lane, ahead);
  model.witnesses.push({ party, lane, joinedAtMs, ahead, joining, inLine: null, looks: 0 });
}

/**
 * One of those who wait looks: at somebody's joining, a moment that has nothing to do with when the line moves.
 * Of its looks one is kept, each as likely as the others (Vitter's reservoir).
 */
function lookAgain(model: Model): void {
  const witness = model.witnesses[model.seq % Math.max(1, model.witnesses.length)];
  if (witness === undefined) return;
  const { lane, ahead } = witness;
  const behind = waitingIn(model) - 1 - ahead - (lane === 'priority' ? model.waiting.regular : 0);
  if (behind <= 0) return;
  witness.looks++;
  if (scatter(model.seq) * witness.looks < 1) witness.inLine = sight(model, lane, ahead);
}

/** A number from 0 to 1 that looks random, always the same of the same seq (Knuth's multiplicative hash). */
function scatter(seq: number): number {
  return (Math.imul(seq, 2_654_435_761) >>> 0) / 2 ** 32;
}

function enter(model: Model, event: PartyEvent): void {
  model.waiting[event.lane]++;
  for (const witness of model.witnesses) if (isBefore(event, witness)) witness.ahead++;
}

function call(model: Model, event: PartyEvent): void {
  const waited = Math.max(0, event.timeMs - event.joinedAtMs) / 1_000;
  noteCall(model.pace, waited);
  const witness = exit(model, event);
  // Who walks straight in was never told an estimate.
  if (witness === undefined || waited === 0) return;
  learnFrom(model, model.joining, witness.joining);
  if (witness.inLine) learnFrom(model, model.inLine, witness.inLine);
}

/** The party is in the line no more. Gives back what it was to teach. */
function exit(model: Model, event: PartyEvent): Witness | undefined {
  model.waiting[event.lane] = Math.max(0, model.waiting[event.lane] - 1);
  const party = keyOf(event.partyId);
  const found = model.witnesses.find((witness) => witness.party === party);
  if (waitingIn(model) === 0) model.witnesses = [];
  else if (found) model.witnesses = model.witnesses.filter((witness) => witness !== found);
  for (const witness of model.witnesses) {
    if (isBefore(event, witness)) witness.ahead = Math.max(0, witness.ahead - 1);
  }
  return found;
}

/** By lane and time of joining, which is the order of the line but for parties that were moved. */
function isBefore(event: PartyEvent, witness: Witness): boolean {
  if (event.lane !== witness.lane) return event.lane === 'priority';
  return event.joinedAtMs < witness.joinedAtMs;
}

function sight({ pace, waiting }: Model, lane: Lane, ahead: number): Sight {
  const overtaken = lane === 'priority' ? waiting.regular : 0;
  const features = Float32Array.from(featuresOf(pace, { ahead, lane, overtaken, since: 0 }));
  return { seconds: pace.seconds, ahead, gapOfMany: pace.gapOfMany, features };
}

function learnFrom({ pace }: Model, regression: QuantileRegression, seen: Sight): void {
  // Waits are told in whole seconds; one of less than one is learned as that.
  const logarithm = Math.log(Math.max(pace.seconds - seen.seconds, 1));
  const surprise = levels.map((_, quantile) => logarithm - priorOf(seen, seen.ahead, quantile));
  learn(regression, seen.features, surprise);
}

const featureCount = 11;

function featuresOf(
  pace: Pace,
  of: { ahead: number; lane: Lane; overtaken: number; since: number },
): number[] {
  const { ahead, lane, overtaken, since } = of;
  const isPriority = lane === 'priority' ? 1 : 0;
  const log = (seconds: number) => Math.log1p(seconds);
  const level = log(pace.gapOfMany);
  const busySeconds = pace.busySeconds + since;
  return [
    1,
    Math.log1p(ahead),
    1 / (1 + ahead),
    isPriority,
    isPriority * Math.log1p(overtaken),
    level - log(60),
    log(pace.gapOfFew) - level,
    log(pace.gapOfAll) - level,
    log(pace.wait) - level,
    busySeconds / (busySeconds + pace.gapOfMany),
    pace.goneShare,
  ];
}

/** Exponential waits of one gap a party; the more of them, the nearer to their mean. */
function priorOf(pace: Pick<Pace, 'gapOfMany'>, ahead: number, quantile: number): number {
  const level = levels[quantile] ?? 0.5;
  const meanLogarithm = Math.log((ahead + 1) * pace.gapOfMany);
  return meanLogarithm + Math.log(-Math.log(1 - level)) / Math.sqrt(ahead + 1);
}

function waitingIn({ waiting }: Model): number {
  return waiting.priority + waiting.regular;
}

/** The random end of a party's id: enough to know it by among those few. */
function keyOf(partyId: string): number {
  return Number.parseInt(partyId.slice(-12), 16);
}

/** As bytes, to be kept wherever bytes are kept: its name and a line feed, then numbers. Exactly this comes back. */
export function serialise(model: Model): Buffer {
  const { seq, timeMs, moves, waiting, pace, joining, inLine, witnesses } = model;
  const doubles = [seq, timeMs, Number(moves), waiting.priority, waiting.regular];
  doubles.push(...paceKeys.map((key) => pace[key] ?? -1));
  for (const { weights, inverse, margins } of [joining, inLine]) {
    doubles.push(...weights, ...inverse, ...margins);
  }
  const floats: number[] = [];
  for (const witness of witnesses) {
    const { party, lane, joinedAtMs, ahead, looks } = witness;
    doubles.push(party, Number(lane === 'priority'), joinedAtMs, ahead, looks);
    for (const seen of [witness.joining, witness.inLine ?? nothingSeen]) {
      doubles.push(seen.seconds, seen.ahead, seen.gapOfMany);
      floats.push(...seen.features);
    }
  }
  const numbers = Buffer.alloc(doubles.length * 8 + floats.length * 4);
  for (const [i, value] of doubles.entries()) numbers.writeDoubleLE(value, i * 8);
  for (const [i, value] of floats.entries())
    numbers.writeFloatLE(value, doubles.length * 8 + i * 4);
  return Buffer.concat([header, numbers]);
}

/** null for bytes of another model, or of none. */
export function restore(bytes: Uint8Array): Model | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.subarray(0, header.length).equals(header)) return null;
  const count = (buffer.length - header.length - modelBytes) / witnessBytes;
  if (!Number.isInteger(count) || count < 0 || count > witnessesMax) return null;

  let at = header.length;
  let floatsAt = buffer.length - count * 2 * featureCount * 4;
  let isSound = true;
  const next = () => {
    const value = buffer.readDoubleLE(at);
    at += 8;
    isSound &&= Number.isFinite(value);
    return value;
  };
  const features = () =>
    Float32Array.from({ length: featureCount }, () => {
      const value = buffer.readFloatLE(floatsAt);
      floatsAt += 4;
      isSound &&= Number.isFinite(value);
      return value;
    });
  const sightNext = (): Sight => ({
    seconds: next(),
    ahead: next(),
    gapOfMany: next(),
    features: features(),
  });

  const model = createModel();
  model.seq = next();
  model.timeMs = next();
  model.moves = next() === 1;
  model.waiting = { priority: next(), regular: next() };
  for (const key of paceKeys) model.pace[key] = next();
  if (model.pace.calledAt === -1) model.pace.calledAt = null;
  for (const { weights, inverse, margins } of [model.joining, model.inLine]) {
    for (const numbers of [weights, inverse, margins]) {
      for (let i = 0; i < numbers.length; i++) numbers[i] = next();
    }
  }
  for (let i = 0; i < count; i++) {
    const party = next();
    const lane = next() === 1 ? 'priority' : 'regular';
    const witness = { party, lane, joinedAtMs: next(), ahead: next(), looks: next() } as const;
    const joining = sightNext();
    const inLine = sightNext();
    model.witnesses.push({ ...witness, joining, inLine: witness.looks > 0 ? inLine : null });
  }
  return isSound ? model : null;
}

const header = Buffer.from(`${modelName}\n`);
const paceKeys = Object.keys(createPace()) as (keyof Pace)[];
const nothingSeen: Sight = {
  seconds: 0,
  ahead: 0,
  gapOfMany: 0,
  features: new Float32Array(featureCount),
};
const regressionNumbers = levels.length * featureCount + featureCount ** 2 + levels.length;
const modelBytes = (5 + paceKeys.length + 2 * regressionNumbers) * 8;
const witnessBytes = (5 + 2 * 3) * 8 + 2 * featureCount * 4;
