import { createLive, type Live, type LiveOptions, type Snapshot } from '@queue-manager/ui/live';
import { useEffect, useState, useSyncExternalStore } from 'react';

const nothing: Snapshot<never> = { value: null, state: 'loading', asOf: null };
const noSubscription = () => () => {};

/** A live store for as long as the component is shown; a new one for each `key`. */
export function useLive<T, Event>(
  key: string,
  options: () => LiveOptions<T, Event>,
): { snapshot: Snapshot<T>; live: Live<T> | null } {
  const [opened, setOpened] = useState<{ key: string; live: Live<T> } | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the options
  useEffect(() => {
    const live = createLive(options());
    setOpened({ key, live });
    return () => live.stop();
  }, [key]);
  const live = opened?.key === key ? opened.live : null;
  const snapshot = useSyncExternalStore(
    live?.subscribe ?? noSubscription,
    live?.get ?? (() => nothing as Snapshot<T>),
  );
  return { snapshot, live };
}
