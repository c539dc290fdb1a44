import type { Lane } from '@queue-manager/contracts/parties';
import { daySeconds } from '@queue-manager/service-kit/durations';
import type { LearningEvent } from './learning-event.ts';
import { createPace, noteCall, noteGone, type Pace, pass } from './pace.ts';
import {
  correction,
  createRegression,
  learn,
  levels,
  type QuantileRegression,
} from './quantile-regression.ts';
import {
  createSizePaces,
  noteCallOfSize,
  ofSize,
  ownLineRatio,
  passForSizes,
  type SizePace,
} from './size-pace.ts';

/** Named in every estimate and at the head of every serialised model. Change it whenever restored models would differ. */
export const modelName = 'online-quantiles-3';

/**
 * The model of one queue: its pace, regressions learned from its waits, and a sample of waiting parties to learn from
 * next. A few kB, however long the line.
 *
 * The predicted wait is a prior, (ahead + 1) × mean gap between calls, times a correction that the regression has
 * learned from this queue's waits. The features combine two established predictors of delay: the queue's length times
 * its pace, and the delays of those served last (Ibrahim and Whitt, Real-Time Delay Estimation Based on Delay History,
 * M&SOM 2009). Where hosts call by size, parties of a size have a line of their own within the line. How much longer the
 * wait is if that is so is one more feature, and the waits show how far it is so: a queueing estimate per class as a
 * feature of a shrunk regression (Ang, Kwasnick, Bayati, Plambeck and Aratow, Accurate Emergency Department Wait Time
 * Prediction, M&SOM 2016).
 */
export interface Model {
  /** Latest event observed; 0 before the first. */
  seq: number;
  /** Time of that event; 0 before the first. */
  timeMs: number;
  /** Whether parties can be called: the queue is not paused or deleted. */
  moves: boolean;
  waiting: Record<Lane, number>;
  pace: Pace;
  sizes: SizePace[];
  /**
   * Two regressions, for parties that just joined and for parties with others of their lane behind them: those that
   * still wait after a while differ from those that arrive.
   */
  joining: QuantileRegression;
  inLine: QuantileRegression;
  /** Sampled waiting parties; no more are added once there are `witnessesMax`. */
  witnesses: Witness[];
  /** What it knew before the last call, which staff may take back; null before the first, and once that was taken back. */
  beforeCall: (Knowledge & { party: number }) | null;
}

/** What a call teaches. */
type Knowledge = Pick<Model, 'pace' | 'sizes' | 'joining' | 'inLine'>;

/** A waiting party whose wait the model will learn from. */
interface Witness {
  party: number;
  lane: Lane;
  size: number;
  joinedAtMs: number;
  ahead: number;
  joining: Sight;
  /** At a random moment since, uniformly chosen; null before the first. */
  inLine: Sight | null;
  /** Number of moments it was chosen from. */
  looks: number;
}

/** The line as a party saw it at some moment; `seconds` is on the clock of the pace. */
interface Sight {
  seconds: number;
  ahead: number;
  gapOfMany: number;
  features: Float32Array;
}

/** A line of two dozen is observed completely; a longer one provides enough waits anyway. */
const witnessesMax = 24;

/** Before this many calls the pace is mostly its prior, and waits would teach only how wrong that was. */
const gapsMin = 10;

/** The situation of a party that waits, or would wait if it joined now. */
export interface Standing {
  /** Parties before it. */
  ahead: number;
  lane: Lane;
  /** Null for a typical one. */
  size: number | null;
  /** All waiting parties, including this one. */
  waiting: number;
  nowMs: number;
}

/** Whole seconds from `nowMs`; 0 ≤ p10 ≤ p50 ≤ p90. */
export type Quantiles = { p10: number; p50: number; p90: number };

/** Caps estimates: longer than any line lasts, and keeps them finite. */
const secondsMax = 7 * daySeconds;

export function createModel(): Model {
  return {
    seq: 0,
    timeMs: 0,
    moves: true,
    waiting: { priority: 0, regular: 0 },
    pace: createPace(),
    sizes: createSizePaces(),
    joining: createRegression(featureCount),
    inLine: createRegression(featureCount),
    witnesses: [],
    beforeCall: null,
  };
}

/** Learns from the next event of the queue, in bounded time; ignores events seen before. Mutates the model. */
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
    case 'uncalled':
      forgetCall(model, event);
      enter(model, event);
      return;
    case 'gone':
      noteGone(model.pace);
      if (model.beforeCall !== null) noteGone(model.beforeCall.pace);
      exit(model, event);
      return;
    case 'removed':
      exit(model, event);
      return;
    case 'moved':
      // Its wait no longer tells about the place it had.
      model.witnesses = model.witnesses.filter(({ party }) => party !== keyOf(event.partyId));
      return;
    case 'resized':
      resize(model, event);
      return;
  }
}

/** Pure: does not change the model. The estimate for a paused queue assumes that it moves. */
export function estimate(model: Model, standing: Standing): Quantiles {
  const { ahead, lane, size, waiting, nowMs } = standing;
  const behind = Math.max(0, waiting - 1 - ahead);
  const overtaken = lane === 'priority' ? Math.min(behind, model.waiting.regular) : 0;
  const isBusy = model.moves && waitingIn(model) > 0;
  const since = isBusy ? Math.max(0, nowMs - model.timeMs) / 1_000 : 0;
  const features = featuresOf(model, { ahead, lane, size, waiting, overtaken, since });
  const regression = behind > overtaken ? model.inLine : model.joining;
  const [p10, p50, p90] = levels.map((_, quantile) => {
    const logarithm =
      priorOf(model.pace, ahead, quantile) + correction(regression, features, quantile);
    return Math.round(Math.min(Math.exp(logarithm), secondsMax));
  }) as [number, number, number];
  return { p10: Math.min(p10, p50), p50, p90: Math.max(p50, p90) };
}

type PartyEvent = Extract<LearningEvent, { joinedAtMs: number }>;

function passTime(model: Model, timeMs: number): void {
  // Events are ordered by seq; their times, from several machines' clocks, may go backwards.
  const isFirst = model.timeMs === 0;
  const seconds = isFirst ? 0 : Math.max(0, timeMs - model.timeMs) / 1_000;
  if (model.moves) {
    pass(model.pace, seconds, waitingIn(model) > 0);
    passForSizes(model.sizes, seconds);
  }
  model.timeMs = Math.max(timeMs, model.timeMs);
}

function join(model: Model, event: PartyEvent): void {
  const { lane, size, joinedAtMs } = event;
  const ahead = lane === 'priority' ? model.waiting.priority : waitingIn(model);
  enter(model, event);
  lookAgain(model);
  if (model.witnesses.length === witnessesMax || model.pace.gaps < gapsMin) return;
  const party = keyOf(event.partyId);
  const joining = sight(model, { lane, size, ahead });
  model.witnesses.push({ party, lane, size, joinedAtMs, ahead, joining, inLine: null, looks: 0 });
}

/**
 * Lets one witness look at the line again, when another party joins: a moment independent of when the line moves. Of
 * its looks one is kept, uniformly chosen (Vitter's reservoir sampling).
 */
function lookAgain(model: Model): void {
  const witness = model.witnesses[model.seq % Math.max(1, model.witnesses.length)];
  if (witness === undefined) return;
  const { lane, ahead } = witness;
  const behind = waitingIn(model) - 1 - ahead - (lane === 'priority' ? model.waiting.regular : 0);
  if (behind <= 0) return;
  witness.looks++;
  if (scatter(model.seq) * witness.looks < 1) witness.inLine = sight(model, witness);
}

/** A deterministic pseudo-random number from 0 to 1 (Knuth's multiplicative hash). */
function scatter(seq: number): number {
  return (Math.imul(seq, 2_654_435_761) >>> 0) / 2 ** 32;
}

function enter(model: Model, event: PartyEvent): void {
  model.waiting[event.lane]++;
  ofSize(model.sizes, event.size).waiting++;
  for (const witness of model.witnesses) if (isBefore(event, witness)) witness.ahead++;
}

function call(model: Model, event: PartyEvent): void {
  const waited = Math.max(0, event.timeMs - event.joinedAtMs) / 1_000;
  model.beforeCall = { party: keyOf(event.partyId), ...knowledgeOf(model) };
  if (waited > 0) noteCallOfSize(ofSize(model.sizes, event.size), model.pace);
  noteCall(model.pace, waited);
  const witness = exit(model, event);
  // A party that did not wait never got an estimate.
  if (witness === undefined || waited === 0) return;
  learnFrom(model, model.joining, witness.joining);
  if (witness.inLine) learnFrom(model, model.inLine, witness.inLine);
}

/** A call that was taken back teaches nothing if it is still the last one: its party has waited all the while. */
function forgetCall(model: Model, event: PartyEvent): void {
  const { pace, sizes, beforeCall: before } = model;
  model.beforeCall = null;
  if (before?.party !== keyOf(event.partyId)) return;
  const { seconds } = pace;
  const since = seconds - before.pace.seconds;
  const busySeconds = before.pace.busySeconds + since;
  Object.assign(pace, before.pace, { seconds, busySeconds });
  const [own, ownBefore] = [ofSize(sizes, event.size), ofSize(before.sizes, event.size)];
  const { calls, gap } = ownBefore;
  Object.assign(own, { calls, gap, busySeconds: ownBefore.busySeconds + since });
  model.joining = before.joining;
  model.inLine = before.inLine;
}

function knowledgeOf({ pace, sizes, joining, inLine }: Model): Knowledge {
  const copyOf = ({ weights, inverse, margins }: QuantileRegression) => ({
    weights: weights.slice(),
    inverse: inverse.slice(),
    margins: margins.slice(),
  });
  return {
    pace: { ...pace },
    sizes: sizes.map((ofSome) => ({ ...ofSome })),
    joining: copyOf(joining),
    inLine: copyOf(inLine),
  };
}

/** Removes a party that left the line; returns its witness, if it was one. */
function exit(model: Model, event: PartyEvent): Witness | undefined {
  model.waiting[event.lane] = Math.max(0, model.waiting[event.lane] - 1);
  countOut(model, event.size);
  const party = keyOf(event.partyId);
  const found = model.witnesses.find((witness) => witness.party === party);
  if (waitingIn(model) === 0) {
    model.witnesses = [];
    for (const pace of model.sizes) pace.waiting = 0;
  } else if (found) model.witnesses = model.witnesses.filter((witness) => witness !== found);
  for (const witness of model.witnesses) {
    if (isBefore(event, witness)) witness.ahead = Math.max(0, witness.ahead - 1);
  }
  return found;
}

function countOut({ sizes }: Model, size: number): void {
  const pace = ofSize(sizes, size);
  pace.waiting = Math.max(0, pace.waiting - 1);
}

function resize(model: Model, event: Extract<LearningEvent, { kind: 'resized' }>): void {
  const { partyId, size, sizeBefore } = event;
  countOut(model, sizeBefore);
  ofSize(model.sizes, size).waiting++;
  const witness = model.witnesses.find(({ party }) => party === keyOf(partyId));
  if (witness) witness.size = size;
}

/** By lane and time of joining: the order of the line, moved parties aside. */
function isBefore(event: PartyEvent, witness: Witness): boolean {
  if (event.lane !== witness.lane) return event.lane === 'priority';
  return event.joinedAtMs < witness.joinedAtMs;
}

function sight(model: Model, of: Pick<Witness, 'lane' | 'size' | 'ahead'>): Sight {
  const { pace } = model;
  const { lane, size, ahead } = of;
  const overtaken = lane === 'priority' ? model.waiting.regular : 0;
  const waiting = waitingIn(model);
  const features = Float32Array.from(
    featuresOf(model, { ahead, lane, size, waiting, overtaken, since: 0 }),
  );
  return { seconds: pace.seconds, ahead, gapOfMany: pace.gapOfMany, features };
}

function learnFrom({ pace }: Model, regression: QuantileRegression, seen: Sight): void {
  // Estimates are whole seconds, so a shorter wait counts as one second.
  const logarithm = Math.log(Math.max(pace.seconds - seen.seconds, 1));
  const surprise = levels.map((_, quantile) => logarithm - priorOf(seen, seen.ahead, quantile));
  learn(regression, seen.features, surprise);
}

const featureCount = 12;

function featuresOf(
  { pace, sizes }: Model,
  of: Omit<Standing, 'nowMs'> & { overtaken: number; since: number },
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
    ownLineRatio(sizes, pace, of),
  ];
}

/** Log of the prior: as many exponential gaps as parties; the more there are, the nearer their sum is to its mean. */
function priorOf(pace: Pick<Pace, 'gapOfMany'>, ahead: number, quantile: number): number {
  const level = levels[quantile] ?? 0.5;
  const meanLogarithm = Math.log((ahead + 1) * pace.gapOfMany);
  return meanLogarithm + Math.log(-Math.log(1 - level)) / Math.sqrt(ahead + 1);
}

function waitingIn({ waiting }: Model): number {
  return waiting.priority + waiting.regular;
}

/** The random tail of a party's id, which is unique enough among a few witnesses. */
function keyOf(partyId: string): number {
  return Number.parseInt(partyId.slice(-12), 16);
}

/** Lossless: the model's name and a line feed, then numbers (little-endian). */
export function serialise(model: Model): Buffer {
  const { seq, timeMs, moves, waiting, witnesses, beforeCall } = model;
  const doubles = [Number(beforeCall !== null)];
  doubles.push(seq, timeMs, Number(moves), waiting.priority, waiting.regular);
  for (const { pace, sizes, joining, inLine } of [model, ...(beforeCall ? [beforeCall] : [])]) {
    doubles.push(...paceKeys.map((key) => pace[key] ?? -1));
    for (const ofSome of sizes) doubles.push(...sizePaceKeys.map((key) => ofSome[key]));
    for (const { weights, inverse, margins } of [joining, inLine]) {
      doubles.push(...weights, ...inverse, ...margins);
    }
  }
  if (beforeCall) doubles.push(beforeCall.party);
  const floats: number[] = [];
  for (const witness of witnesses) {
    const { party, lane, size, joinedAtMs, ahead, looks } = witness;
    doubles.push(party, Number(lane === 'priority'), size, joinedAtMs, ahead, looks);
    for (const seen of [witness.joining, witness.inLine ?? emptySight]) {
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

/** Null if the bytes are not a valid model of this name. */
export function restore(bytes: Uint8Array): Model | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.subarray(0, header.length).equals(header)) return null;
  if (buffer.length < header.length + modelBytes) return null;
  const isCalled = buffer.readDoubleLE(header.length) === 1;
  const withoutWitnesses = header.length + modelBytes + (isCalled ? knowledgeBytes + 8 : 0);
  const count = (buffer.length - withoutWitnesses) / witnessBytes;
  if (!Number.isInteger(count) || count < 0 || count > witnessesMax) return null;

  let at = header.length + 8;
  let floatsAt = buffer.length - count * 2 * featureCount * 4;
  let isValid = true;
  const next = () => {
    const value = buffer.readDoubleLE(at);
    at += 8;
    isValid &&= Number.isFinite(value);
    return value;
  };
  const features = () =>
    Float32Array.from({ length: featureCount }, () => {
      const value = buffer.readFloatLE(floatsAt);
      floatsAt += 4;
      isValid &&= Number.isFinite(value);
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
  const before = isCalled ? { party: 0, ...knowledgeOf(model) } : null;
  for (const { pace, sizes, joining, inLine } of [model, ...(before ? [before] : [])]) {
    for (const key of paceKeys) pace[key] = next();
    if (pace.calledAt === -1) pace.calledAt = null;
    for (const ofSome of sizes) for (const key of sizePaceKeys) ofSome[key] = next();
    for (const { weights, inverse, margins } of [joining, inLine]) {
      for (const numbers of [weights, inverse, margins]) {
        for (let i = 0; i < numbers.length; i++) numbers[i] = next();
      }
    }
  }
  if (before) before.party = next();
  model.beforeCall = before;
  for (let i = 0; i < count; i++) {
    const party = next();
    const lane = next() === 1 ? 'priority' : 'regular';
    const size = next();
    const times = { joinedAtMs: next(), ahead: next(), looks: next() };
    const witness = { party, lane, size, ...times } as const;
    const joining = sightNext();
    const inLine = sightNext();
    model.witnesses.push({ ...witness, joining, inLine: witness.looks > 0 ? inLine : null });
  }
  return isValid ? model : null;
}

const header = Buffer.from(`${modelName}\n`);
const paceKeys = Object.keys(createPace()) as (keyof Pace)[];
const emptySizes = createSizePaces();
const sizePaceKeys = Object.keys(emptySizes[0] as SizePace) as (keyof SizePace)[];
const emptySight: Sight = {
  seconds: 0,
  ahead: 0,
  gapOfMany: 0,
  features: new Float32Array(featureCount),
};
const regressionNumbers = levels.length * featureCount + featureCount ** 2 + levels.length;
const sizeNumbers = emptySizes.length * sizePaceKeys.length;
const knowledgeBytes = (paceKeys.length + sizeNumbers + 2 * regressionNumbers) * 8;
const modelBytes = 6 * 8 + knowledgeBytes;
const witnessBytes = (6 + 2 * 3) * 8 + 2 * featureCount * 4;
