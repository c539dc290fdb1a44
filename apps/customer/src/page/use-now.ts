import { useEffect, useState } from 'react';
import { serverClock } from './api.ts';

/** The server's time, every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => serverClock.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(serverClock.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
