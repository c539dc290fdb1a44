import { useEffect, useState } from 'react';
import { leftAt } from './left.ts';

const tickMs = 250;
const touches = ['pointerdown', 'keydown', 'input', 'wheel', 'afterprint'];

/**
 * Calls back when a guest has left: nobody has touched the screen for a while after somebody did. Returns the seconds
 * until then, as soon as they should be shown. Waits while it is held, and counts anew afterwards.
 */
export function useLeft(guest: number, isHeld: boolean, onLeft: () => void): number | null {
  const [touchedAt, setTouchedAt] = useState<number | null>(null);
  const [secondsLeft, setSecondsLeft] = useState<number | null>(null);

  useEffect(() => {
    const ends = new AbortController();
    for (const event of touches) {
      const touch = () => setTouchedAt(Date.now());
      window.addEventListener(event, touch, { signal: ends.signal, passive: true });
    }
    return () => ends.abort();
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the next guest has not touched anything yet
  useEffect(() => setTouchedAt(null), [guest]);

  useEffect(() => {
    if (!isHeld) setTouchedAt((last) => last && Date.now());
  }, [isHeld]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: who is called back does not change the time
  useEffect(() => {
    setSecondsLeft(null);
    if (touchedAt === null || isHeld) return;
    const check = () => {
      const { hasLeft, secondsLeft } = leftAt(touchedAt, Date.now());
      setSecondsLeft(hasLeft ? null : secondsLeft);
      if (hasLeft) onLeft();
    };
    const timer = setInterval(check, tickMs);
    // Timers are late after a sleep.
    const ends = new AbortController();
    document.addEventListener('visibilitychange', check, { signal: ends.signal });
    window.addEventListener('pageshow', check, { signal: ends.signal });
    return () => {
      clearInterval(timer);
      ends.abort();
    };
  }, [touchedAt, isHeld]);

  return secondsLeft;
}
