/** After this long without a touch, the guest has left. */
const untouchedMs = 20_000;
/** The countdown is shown for the last part of it. */
const warningMs = 10_000;

/** Whether the guest has left, and the seconds until then as soon as they are shown. */
export function leftAt(
  touchedAt: number,
  now: number,
): { hasLeft: boolean; secondsLeft: number | null } {
  // The clock of a tablet may be set back meanwhile.
  const leftMs = untouchedMs - Math.abs(now - touchedAt);
  return {
    hasLeft: leftMs <= 0,
    secondsLeft: leftMs > warningMs ? null : Math.max(0, Math.ceil(leftMs / 1_000)),
  };
}
