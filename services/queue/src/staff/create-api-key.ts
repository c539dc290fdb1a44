import { createApiKey as contract } from '@queue-manager/contracts/api-keys';
import { limits } from '@queue-manager/contracts/values';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { apiKeyView, newApiKey } from '../access/api-key.ts';
import { lockVenue } from '../access/lock-venue.ts';
import { venueFor } from '../access/membership.ts';
import type { DatabaseTransaction } from '../db/database.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';

export const createApiKey = (deps: Deps) =>
  route(contract, async ({ params, body, claims, idempotencyKey }) => {
    const venue = await venueFor(deps.db, params.venueId, claims.sub, 'manager');
    const id = uuidToBytes(newId(deps.clock));
    const { key, secretHash } = newApiKey(id);
    // The answer that is kept for a repeat holds no secret; who made the key adds it to its own.
    const { result } = await once(
      deps,
      {
        key: idempotencyKey,
        caller: claims.sub,
        operationId: contract.operationId,
        target: venue.id,
        body,
      },
      async (trx) => {
        await lockVenue(trx, venue.id);
        // Again, under the lock: the caller may have lost its role meanwhile.
        await venueFor(trx, params.venueId, claims.sub, 'manager');
        await requireRoom(trx, venue.id);
        const row = {
          venue_id: venue.id,
          id,
          name: body.name,
          secret_hash: secretHash,
          created_by: uuidToBytes(claims.sub),
          created_at: deps.clock.now(),
        };
        await trx.insertInto('api_keys').values(row).execute();
        return { result: apiKeyView(row), events: [] };
      },
    );
    return uuidToBytes(result.id).equals(id) ? { ...result, key } : result;
  });

async function requireRoom(trx: DatabaseTransaction, venueId: Buffer): Promise<void> {
  const { count } = await trx
    .selectFrom('api_keys')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('venue_id', '=', venueId)
    .executeTakeFirstOrThrow();
  if (Number(count) < limits.apiKeysMax) return;
  throw problems.tooManyApiKeys({
    detail: `A venue can have up to ${limits.apiKeysMax} API keys. Delete one first.`,
  });
}
