import { useEffect } from 'react';

export const canWakeLock = 'wakeLock' in navigator;

/** Keeps the screen on while it is wanted; the browser drops the lock whenever the page is hidden. */
export function useWakeLock(isWanted: boolean, onRefused?: () => void): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the lock does not depend on who hears that it is refused
  useEffect(() => {
    if (!isWanted || !canWakeLock) return;
    let lock: WakeLockSentinel | null = null;
    let isOver = false;
    const request = async () => {
      if (document.visibilityState !== 'visible') return;
      const got = await navigator.wakeLock.request('screen').catch(() => null);
      // Refused, such as when the battery is low.
      if (got === null) onRefused?.();
      else if (isOver) void got.release();
      else lock = got;
    };
    void request();
    const again = () => void request();
    document.addEventListener('visibilitychange', again);
    return () => {
      isOver = true;
      document.removeEventListener('visibilitychange', again);
      void lock?.release().catch(() => {});
    };
  }, [isWanted]);
}
