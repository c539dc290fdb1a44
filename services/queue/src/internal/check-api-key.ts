import { timingSafeEqual } from 'node:crypto';
import { checkApiKey as contract } from '@queue-manager/contracts/internal';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';

export const checkApiKey = ({ db }: Pick<Deps, 'db'>) =>
  route(contract, async function checkApiKey({ body: { keyId, secretHash } }) {
    const row = await db
      .selectFrom('api_keys')
      .select(['venue_id', 'secret_hash'])
      .where('id', '=', uuidToBytes(keyId))
      .executeTakeFirst();
    const sent = Buffer.from(secretHash, 'hex');
    if (row === undefined || !timingSafeEqual(row.secret_hash, sent)) throw problems.notFound();
    return { venueId: bytesToUuid(row.venue_id) };
  });
