/** A device's clock may be wrong by hours; this one follows the server's. */
export type ServerClock = {
  /** Takes a moment that the server has just named. */
  note(serverMs: number): void;
  now(): number;
};

/** Whoever hears of a moment hears of it late, so of recent offsets the largest is the best. */
const recentMs = 60_000;
/** The device's clock was set. */
const jumpMs = 5_000;

export function createServerClock(deviceNow: () => number = Date.now): ServerClock {
  let offset = 0;
  let notedAt = Number.NEGATIVE_INFINITY;
  return {
    note(serverMs) {
      if (!Number.isFinite(serverMs)) return;
      const now = deviceNow();
      const heard = serverMs - now;
      const isOld = Math.abs(now - notedAt) > recentMs;
      if (!isOld && heard < offset && offset - heard < jumpMs) return;
      offset = heard;
      notedAt = now;
    },
    now: () => deviceNow() + offset,
  };
}
