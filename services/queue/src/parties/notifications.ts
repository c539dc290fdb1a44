import type { Party } from '@queue-manager/contracts/parties';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { Database } from '../db/database.ts';

type Notification = Party['notifications'][number];

/** What parties were told, or are going to be, by party id and in order of scheduling; one query for all. */
export async function loadNotifications(
  db: Database,
  partyIds: readonly Buffer[],
): Promise<Map<string, Notification[]>> {
  if (partyIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('tasks')
    .select(['party_id', 'kind', 'state', 'updated_at'])
    .where('party_id', 'in', partyIds)
    .where('kind', 'like', 'notify.%')
    .orderBy('party_id')
    .orderBy('id')
    .execute();
  const byParty = Map.groupBy(rows, ({ party_id }) => bytesToUuid(party_id as Buffer));
  return new Map(
    [...byParty].map(([partyId, ofParty]) => [
      partyId,
      ofParty.map(({ kind, state, updated_at }) => ({
        channel: 'email',
        kind,
        state,
        at: updated_at.toISOString(),
      })),
    ]),
  );
}
