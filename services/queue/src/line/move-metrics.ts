import { partyEventTypes } from '@queue-manager/contracts/events';
import type { Estimate } from '@queue-manager/contracts/values';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { batched } from '@queue-manager/service-kit/limits/batched';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { Metrics } from '@queue-manager/service-kit/telemetry/metrics';
import { sql } from 'kysely';
import type { Database } from '../db/database.ts';
import type { StoredEvent } from './line-event.ts';

/** A party that waits no more, and how long it has waited. */
type Served = { queueId: string; partyId: string; waitSeconds: number };

const batchMax = 100;

/** Observes committed events: moves, waits, and how far waits are from what guests were quoted on joining. */
export function createMoveMetrics({
  db,
  logger,
  metrics,
}: {
  db: Database;
  logger: Logger;
  metrics: Metrics;
}): (events: readonly StoredEvent[]) => void {
  const countEvent = metrics.counter('party_events_total');
  for (const type of partyEventTypes) countEvent({ type }, 0);
  const observeWait = metrics.histogram('wait_seconds');
  const observeError = metrics.histogram('quote_error_seconds');

  /** After the response; one read by primary key for the calls of all lines meanwhile. */
  const compareWithQuote = batched<Served, void>(
    async (served) => {
      const keys = served.map(
        ({ queueId, partyId }) => sql`(${uuidToBytes(queueId)}, ${uuidToBytes(partyId)})`,
      );
      const { rows } = await sql<{ party_id: Buffer; estimate: string }>`
        SELECT party_id, estimate FROM quotes
        WHERE (queue_id, party_id) IN (${sql.join(keys)})`.execute(db);
      const estimates = new Map(
        rows.map(({ party_id, estimate }) => [party_id.toString('hex'), estimate]),
      );
      for (const { partyId, waitSeconds } of served) {
        const estimate = estimates.get(uuidToBytes(partyId).toString('hex'));
        if (estimate === undefined) continue;
        const quoted = JSON.parse(estimate) as Estimate | null;
        if (quoted !== null) observeError(waitSeconds - quoted.p50, {});
      }
      return [];
    },
    { max: batchMax },
  );

  return (events) => {
    for (const event of events) {
      if (!('party' in event.data)) continue;
      countEvent({ type: event.type });
      const { previousState, party, queueId } = event.data;
      const isServed = previousState === 'waiting' && ['called', 'seated'].includes(party.state);
      if (!isServed) continue;
      const { partyId, joinedAt } = party;
      const waitSeconds = (Date.parse(event.time) - Date.parse(joinedAt)) / 1_000;
      observeWait(waitSeconds, {});
      compareWithQuote({ queueId, partyId, waitSeconds }).catch((error: unknown) =>
        logger.debug({ err: error }, 'quotes could not be compared'),
      );
    }
  };
}
