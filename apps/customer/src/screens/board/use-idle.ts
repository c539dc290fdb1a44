import { useEffect, useState } from 'react';

/** Whether nobody has touched the page for a while. */
export function useIdle(ms: number): boolean {
  const [isIdle, setIsIdle] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const wake = () => {
      clearTimeout(timer);
      timer = setTimeout(setIsIdle, ms, true);
      setIsIdle(false);
    };
    wake();
    const ends = new AbortController();
    for (const event of ['pointermove', 'pointerdown', 'keydown']) {
      window.addEventListener(event, wake, { signal: ends.signal });
    }
    return () => {
      clearTimeout(timer);
      ends.abort();
    };
  }, [ms]);
  return isIdle;
}
