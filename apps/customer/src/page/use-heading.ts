import { type RefObject, useLayoutEffect, useRef } from 'react';

/** Whether anything of the document has had the focus, also on a screen before. */
let hadFocus = false;
document.addEventListener('focusin', () => {
  hadFocus = true;
});

/**
 * The heading of a page that changes by itself: takes the focus if that was on something that is gone with the change of
 * `key`. Otherwise a keyboard or a screen reader would start again at the top.
 */
export function useHeading(key: string): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the change of the key is what it is about
  useLayoutEffect(() => {
    if (hadFocus && document.activeElement === document.body) heading.current?.focus();
  }, [key]);
  return heading;
}
