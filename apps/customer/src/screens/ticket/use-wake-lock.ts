import { useEffect, useState } from 'react';

/** Keeps the screen on while it is wanted; the browser drops the lock whenever the page is hidden. */
export function useWakeLock(): { isSupported: boolean; isOn: boolean; toggle(): void } {
  const [isOn, setOn] = useState(false);
  useEffect(() => {
    if (!isOn) return;
    let lock: WakeLockSentinel | null = null;
    let isOver = false;
    const request = async () => {
      if (document.visibilityState !== 'visible') return;
      const got = await navigator.wakeLock.request('screen').catch(() => null);
      // Refused, such as when the battery is low.
      if (got === null) setOn(false);
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
  }, [isOn]);
  return {
    isSupported: 'wakeLock' in navigator,
    isOn,
    toggle: () => setOn((was) => !was),
  };
}
