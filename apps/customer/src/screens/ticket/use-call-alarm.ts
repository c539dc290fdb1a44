import { useEffect, useRef, useState } from 'react';
import { chime } from '../../parts/sound.ts';

const repeatMs = 6_000;
const blinkMs = 1_000;
const vibration = [400, 150, 400, 150, 800];

/**
 * Makes a call hard to miss: sound and vibration until the guest touches the page, and a title that blinks until the
 * call is answered. Rings again for each further call.
 */
export function useCallAlarm(options: {
  isCalled: boolean;
  calledAt: string | null;
  isAnswered: boolean;
  isSilent: boolean;
  title: string;
}): void {
  const { isCalled, calledAt, isAnswered, isSilent, title } = options;
  const lastCall = useRef(calledAt);
  const [calls, setCalls] = useState(0);
  useEffect(() => {
    // The stream tells of a call before its time is known.
    if (lastCall.current !== null && calledAt !== null && lastCall.current !== calledAt) {
      setCalls((count) => count + 1);
    }
    lastCall.current = calledAt;
  }, [calledAt]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each call rings
  useEffect(() => {
    if (!isCalled || isAnswered) return;
    const ring = () => {
      if (!isSilent) void chime();
      // Refused until the page has been touched, with an error in the console.
      if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(vibration);
    };
    ring();
    const timer = setInterval(ring, repeatMs);
    const ends = new AbortController();
    const stop = () => {
      clearInterval(timer);
      if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(0);
      ends.abort();
    };
    for (const event of ['pointerdown', 'keydown']) {
      window.addEventListener(event, stop, { signal: ends.signal });
    }
    return stop;
  }, [isCalled, isAnswered, isSilent, calls]);

  useEffect(() => {
    if (!isCalled || isAnswered) return;
    const usual = document.title;
    document.title = title;
    const timer = setInterval(() => {
      document.title = document.title === title ? usual : title;
    }, blinkMs);
    return () => {
      clearInterval(timer);
      document.title = usual;
    };
  }, [isCalled, isAnswered, title]);
}
