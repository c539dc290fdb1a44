import { getPartySnapshot as contract } from '@queue-manager/contracts/internal';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { partySnapshot } from '../line/snapshots.ts';

export const getPartySnapshot = ({ db }: Deps) =>
  route(contract, async function getPartySnapshot({ params }) {
    const party = await db
      .selectFrom('parties')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(params.queueId))
      .where('id', '=', uuidToBytes(params.partyId))
      .executeTakeFirst();
    if (party === undefined) throw problems.notFound();
    return partySnapshot(party);
  });
