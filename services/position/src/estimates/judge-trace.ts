import { orderEvents, type TracedArrival } from '@queue-manager/load/trace/trace';
import { daySeconds } from '@queue-manager/service-kit/durations';
import type { LearningEvent } from '../model/learning-event.ts';
import { createModel, estimate, observe, type Quantiles } from '../model/model.ts';
import { createRuleBook, type Rule, ruleNames } from './rules.ts';

/** A guest of a trace with the estimates made when it joined. */
export interface Prediction {
  arrival: TracedArrival;
  model: Quantiles;
  rules: Record<Rule, number>;
}

interface Score {
  maeSeconds: number;
  /** Share of guests that waited longer than estimated. */
  tooLowShare: number;
}

interface Verdict {
  guests: number;
  rules: Record<Rule, Score>;
  model: Score & { coverage80: number };
}

/**
 * Replays a trace through the model as the service would, all days in order. Each guest's estimate is made when it
 * joins, from earlier events only. Returns the guests that waited, in the trace's order.
 */
export function predictWaits(arrivals: readonly TracedArrival[]): Prediction[] {
  const model = createModel();
  const ruleBook = createRuleBook();
  const waiting = { priority: 0, regular: 0 };
  const predictions: (Prediction | undefined)[] = [];
  let seq = 0;
  const onOneClock = arrivals.map(({ day, arrivalSeconds, ...arrival }) => ({
    ...arrival,
    arrivalSeconds: Date.parse(day) / 1_000 + arrivalSeconds,
  }));
  for (const { kind, atSeconds, arrival: index } of orderEvents(onOneClock)) {
    const arrival = arrivals[index] as TracedArrival;
    const lane = arrival.isPriority ? 'priority' : 'regular';
    const all = waiting.priority + waiting.regular;
    const ahead = lane === 'priority' ? waiting.priority : all;
    const timeMs = atSeconds * 1_000;
    observe(model, {
      seq: ++seq,
      timeMs,
      kind: kinds[kind],
      partyId: partyIdOf(index),
      lane,
      size: sizeOfAll,
      joinedAtMs: kind === 'join' ? timeMs : timeMs - arrival.waitSeconds * 1_000,
    });
    if (kind === 'join') {
      waiting[lane]++;
      if (arrival.waitSeconds === 0) continue;
      predictions[index] = {
        arrival,
        model: estimate(model, { ahead, lane, size: sizeOfAll, waiting: all + 1, nowMs: timeMs }),
        rules: ruleBook.predict(all),
      };
    } else {
      waiting[lane]--;
      if (kind === 'call') ruleBook.noteCall(atSeconds, arrival.waitSeconds);
    }
  }
  return predictions.filter((guest) => guest !== undefined);
}

/** Traces have no sizes. */
const sizeOfAll = 1;

const kinds = { join: 'joined', call: 'called', leave: 'gone' } as const satisfies Record<
  string,
  LearningEvent['kind']
>;

export function partyIdOf(index: number): string {
  return `00000000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`;
}

/** Only guests that were served are judged, because only their full waits are known. */
export function isJudged({ arrival }: Prediction): boolean {
  return arrival.outcome === 'served';
}

export function judge(predictions: readonly Prediction[]): Verdict {
  const judged = predictions.filter(isJudged);
  const scoreOf = (predicted: (guest: Prediction) => number): Score => ({
    maeSeconds: meanOf(judged, (guest) => Math.abs(predicted(guest) - guest.arrival.waitSeconds)),
    tooLowShare: shareOf(judged, (guest) => predicted(guest) < guest.arrival.waitSeconds),
  });
  return {
    guests: judged.length,
    rules: Object.fromEntries(
      ruleNames.map((name) => [name, scoreOf(({ rules }) => rules[name])]),
    ) as Record<Rule, Score>,
    model: {
      ...scoreOf(({ model }) => model.p50),
      coverage80: shareOf(
        judged,
        ({ model, arrival }) =>
          model.p10 <= arrival.waitSeconds && arrival.waitSeconds <= model.p90,
      ),
    },
  };
}

/** Share of the guests that gave up after their p90 had passed, among all that gave up. */
export function gaveUpLateShare(predictions: readonly Prediction[]): number {
  return shareOf(
    predictions.filter((guest) => !isJudged(guest)),
    ({ model, arrival }) => arrival.waitSeconds > model.p90,
  );
}

/** Week of the guest's arrival, counted from the trace's first day; the first is 1. */
export function weekOf({ arrival }: Prediction, firstDay: string): number {
  const days = (Date.parse(arrival.day) - Date.parse(firstDay)) / 1_000 / daySeconds;
  return Math.floor(days / 7) + 1;
}

function meanOf<T>(items: readonly T[], measure: (item: T) => number): number {
  return items.reduce((sum, item) => sum + measure(item), 0) / Math.max(1, items.length);
}

function shareOf<T>(items: readonly T[], isSo: (item: T) => boolean): number {
  return meanOf(items, (item) => Number(isSo(item)));
}
