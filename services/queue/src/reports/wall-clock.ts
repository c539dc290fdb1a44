import { hourMs } from '@queue-manager/service-kit/durations';
import { Temporal } from 'temporal-polyfill';

/** The clock on a venue's wall. */
export type WallClock = {
  /** The moment as that clock shows it, to the second: `2026-11-20T21:00:00+00:00`. */
  show(moment: Date): string;
  /**
   * When the hour on that clock began which the moment lies in. An hour that comes twice is two; where the
   * clock was put forward or back within an hour, that moment begins one.
   */
  hourOf(moment: Date): Date;
};

/** While a zone's distance to UTC does not change: `from` inclusive, `to` exclusive, all in milliseconds. */
type Stretch = { from: number; to: number; offset: number };

const minuteMs = 60_000;

/** For many moments one after the other: the zone is asked again only where one lies beyond a change of clocks. */
export function createWallClock(timezone: string): WallClock {
  let stretch: Stretch = { from: 0, to: 0, offset: 0 };
  const stretchAt = (time: number) => {
    if (time < stretch.from || time >= stretch.to) stretch = stretchOf(time, timezone);
    return stretch;
  };
  return {
    show(moment) {
      const time = moment.getTime();
      const { offset } = stretchAt(time);
      return new Date(time + offset).toISOString().slice(0, 19) + offsetText(offset);
    },
    hourOf(moment) {
      const time = moment.getTime();
      const { from, offset } = stretchAt(time);
      const local = time + offset;
      return new Date(Math.max(local - (((local % hourMs) + hourMs) % hourMs) - offset, from));
    },
  };
}

function stretchOf(time: number, timezone: string): Stretch {
  const zoned = Temporal.Instant.fromEpochMilliseconds(time).toZonedDateTimeISO(timezone);
  // The one before is strictly before; a change at this very moment counts as past.
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
