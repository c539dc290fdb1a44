import { useEffect, useState } from 'react';
import { read } from '../../page/api.ts';
import type { Joined } from '../join/join-form.tsx';

const retryMs = 1_000;

/** The place that a party has joined at; asked for if it was not known in time. */
export function usePlace({ ticket, position, estimate }: Joined) {
  const [place, setPlace] = useState({ position, estimate });
  const isKnown = place.position !== null;
  useEffect(() => {
    if (isKnown) return;
    let isOver = false;
    const timer = setInterval(() => {
      read('getPosition', { params: { ticket } }).then(
        (found) => {
          if (!isOver && found !== null) setPlace(found);
        },
        () => {},
      );
    }, retryMs);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [ticket, isKnown]);
  return place;
}
