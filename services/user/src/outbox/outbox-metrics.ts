import type { Metrics } from '@queue-manager/service-kit/telemetry/metrics';
import type { Store } from '../store/tables.ts';
import { readOutbox } from './outbox.ts';

/** Measures the outbox by its first page, each time that metrics are collected. */
export function measureOutbox(store: Store, metrics: Metrics): void {
  const firstPage = async () => {
    for await (const page of readOutbox(store)) return page;
    return [];
  };
  metrics.gauge('outbox_events', async () => (await firstPage()).length);
  metrics.gauge('outbox_oldest_seconds', async () => {
    const [oldest] = await firstPage();
    if (oldest === undefined) return 0;
    return (store.clock.now().getTime() - Date.parse(oldest.createdAt)) / 1_000;
  });
}
