import { getPartySnapshots as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { partySnapshot } from '../line/snapshots.ts';

export const getPartySnapshots = ({ db }: Deps) =>
  route(contract, async function getPartySnapshots({ params, body }) {
    if (body.partyIds.length === 0) return { parties: [] };
    const rows = await db
      .selectFrom('parties')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(params.queueId))
      .where('id', 'in', body.partyIds.map(uuidToBytes))
      .execute();
    const parties = new Map(
      rows.map((row) => {
        const party = partySnapshot(row);
        return [party.partyId, party];
      }),
    );
    return { parties: body.partyIds.map((partyId) => parties.get(partyId.toLowerCase()) ?? null) };
  });
