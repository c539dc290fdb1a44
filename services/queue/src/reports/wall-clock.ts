import { hourMs } from '@queue-manager/service-kit/durations';
import { Temporal } from 'temporal-polyfill';

/** Local time in a time zone. */
export type WallClock = {
  /** Local time with its offset, to the second: `2026-11-20T21:00:00+00:00`. */
  show(moment: Date): string;
  /**
   * When the local hour of a moment began. A repeated hour counts as two; a clock change within an hour begins a
   * new one.
   */
  hourOf(moment: Date): Date;
};

/** A span of constant offset to UTC: `from` inclusive, `to` exclusive, all in milliseconds. */
type Span = { from: number; to: number; offset: number };

const minuteMs = 60_000;

/** Fast for many moments: looks the zone up again only across a clock change. */
export function createWallClock(timezone: string): WallClock {
  let span: Span = { from: 0, to: 0, offset: 0 };
  const spanAt = (time: number) => {
    if (time < span.from || time >= span.to) span = spanOf(time, timezone);
    return span;
  };
  return {
    show(moment) {
      const time = moment.getTime();
      const { offset } = spanAt(time);
      return new Date(time + offset).toISOString().slice(0, 19) + offsetText(offset);
    },
    hourOf(moment) {
      const time = moment.getTime();
      const { from, offset } = spanAt(time);
      const local = time + offset;
      return new Date(Math.max(local - (((local % hourMs) + hourMs) % hourMs) - offset, from));
    },
  };
}

function spanOf(time: number, timezone: string): Span {
  const zoned = Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(timezone);
  // `previous` is exclusive, so add 1 ms: a change at this very moment counts as past.
  const before = zoned.add({ milliseconds: 1 }).getTimeZoneTransition('previous');
  const after = zoned.getTimeZoneTransition('next');
  return {
    from: before?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
    to: after?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
    offset: zoned.offsetNanoseconds / 1e6,
  };
}

function offsetText(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / minuteMs);
  const digits = (value: number) => String(value).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${digits(Math.floor(minutes / 60))}:${digits(minutes % 60)}`;
}
