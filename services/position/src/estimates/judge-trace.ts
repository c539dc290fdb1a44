import { orderEvents, type TracedArrival } from '@queue-manager/local-stack/replay-trace';
import type { LearningEvent } from '../model/learning-event.ts';
import { createModel, estimate, observe, type Quantiles } from '../model/model.ts';
import { createRuleBook, type Rule, ruleNames } from './rules.ts';

/** A guest of a trace with what it was told when it joined. */
export interface Told {
  arrival: TracedArrival;
  model: Quantiles;
  rules: Record<Rule, number>;
}

export interface Score {
  maeSeconds: number;
  /** Of those who waited longer than they were told. */
  tooLowShare: number;
}

export interface Verdict {
  guests: number;
  rules: Record<Rule, Score>;
  model: Score & { coverage80: number };
}

const daySeconds = 24 * 60 * 60;

/**
 * Plays a trace through the model as the service feeds it, all days in order: an arrival joins, who is served is
 * called, who gives up leaves. Each guest is told its estimate when it has joined, from nothing that comes later.
 * Gives back those who waited, in the trace's order.
 */
export function tellGuests(arrivals: readonly TracedArrival[]): Told[] {
  const model = createModel();
  const ruleBook = createRuleBook();
  const waiting = { priority: 0, regular: 0 };
  const told: (Told | undefined)[] = [];
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
      joinedAtMs: kind === 'join' ? timeMs : timeMs - arrival.waitSeconds * 1_000,
    });
    if (kind === 'join') {
      waiting[lane]++;
      if (arrival.waitSeconds === 0) continue;
      told[index] = {
        arrival,
        model: estimate(model, { ahead, lane, waiting: all + 1, nowMs: timeMs }),
        rules: ruleBook.predict(all),
      };
    } else {
      waiting[lane]--;
      if (kind === 'call') ruleBook.noteCall(atSeconds, arrival.waitSeconds);
    }
  }
  return told.filter((guest) => guest !== undefined);
}

const kinds = { join: 'joined', call: 'called', leave: 'gone' } as const satisfies Record<
  string,
  LearningEvent['kind']
>;

function partyIdOf(index: number): string {
  return `00000000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`;
}

/** Judged are those who were served in the end: only their waits are known whole. */
export function isJudged({ arrival }: Told): boolean {
  return arrival.outcome === 'served';
}

export function judge(told: readonly Told[]): Verdict {
  const judged = told.filter(isJudged);
  const scoreOf = (predicted: (guest: Told) => number): Score => ({
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

/** Of those who gave up: how many did when they had waited longer than nine in ten should. */
export function gaveUpLateShare(told: readonly Told[]): number {
  return shareOf(
    told.filter((guest) => !isJudged(guest)),
    ({ model, arrival }) => arrival.waitSeconds > model.p90,
  );
}

/** The 7 days since the trace's first that the guest came in, from 1. */
export function weekOf({ arrival }: Told, firstDay: string): number {
  const days = (Date.parse(arrival.day) - Date.parse(firstDay)) / 1_000 / daySeconds;
  return Math.floor(days / 7) + 1;
}

function meanOf<T>(items: readonly T[], measure: (item: T) => number): number {
  return items.reduce((sum, item) => sum + measure(item), 0) / Math.max(1, items.length);
}

function shareOf<T>(items: readonly T[], isSo: (item: T) => boolean): number {
  return meanOf(items, (item) => Number(isSo(item)));
}
