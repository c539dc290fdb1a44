import { pathTo } from '@queue-manager/client/client';
import type { Board } from '@queue-manager/contracts/positions';
import { useEffect, useRef } from 'react';
import { read } from '../../page/api.ts';
import { useLive } from '../../page/use-live.ts';
import { blockOf, type JoinPageForSize, withBoard } from './join-page.ts';

/** Steps of the size that follow each other faster are one. */
const settleMs = 250;
/** How soon a page asks for the estimate of its size when the line has moved; not all pages at once. */
const moveMs = () => 4_000 + 2_000 * Math.random();
/** No stream says that guests may join again, so a page that waits for it asks. */
const blockedMs = 15_000;

/** The page of a line for a party of a size; it moves with the line. */
export function useJoinPage(joinCode: string, size: number) {
  const wanted = useRef(size);
  const { snapshot, live } = useLive<JoinPageForSize, Board>(joinCode, () => ({
    async read(signal) {
      const asked = wanted.current;
      const query = { size: asked };
      const page = await read('getJoinPage', { params: { joinCode }, query, signal });
      return page && { page, size: asked, hasMoved: false };
    },
    stream: (known) =>
      known && {
        url: pathTo('liveBoard', { params: { queueId: known.page.queueId } }),
        event: 'board',
      },
    merge: withBoard,
  }));

  const { value } = snapshot;
  useEffect(() => {
    if (wanted.current === size) return;
    wanted.current = size;
    const timer = setTimeout(() => live?.check(), settleMs);
    return () => clearTimeout(timer);
  }, [size, live]);

  const hasMoved = value?.hasMoved ?? false;
  useEffect(() => {
    if (!hasMoved) return;
    const timer = setTimeout(() => live?.check(), moveMs());
    return () => clearTimeout(timer);
  }, [hasMoved, live]);

  const isBlocked = value !== null && blockOf(value.page) !== null;
  useEffect(() => {
    if (!isBlocked) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') live?.check();
    }, blockedMs);
    return () => clearInterval(timer);
  }, [isBlocked, live]);

  return { snapshot, live };
}
