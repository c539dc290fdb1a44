import { unsubscribe as contract } from '@queue-manager/contracts/guests';
import { route } from '@queue-manager/service-kit/route';
import { sql } from 'kysely';
import type { Deps } from '../deps.ts';
import { loadUnsubscribe } from './load-unsubscribe.ts';
import { unsubscribePage } from './unsubscribe-page.ts';

/** Idempotent. A deleted venue sends no mails, and keeps nothing. */
export const unsubscribe = (deps: Deps) =>
  route(contract, async (request, reply) => {
    const { venueId, recipient, venueName } = await loadUnsubscribe(deps, request.params.token);
    await sql`
      INSERT INTO unsubscribes (venue_id, recipient, created_at)
      SELECT id, ${recipient}, ${deps.clock.now()} FROM venues
      WHERE id = ${venueId} AND deleted_at IS NULL
      ON DUPLICATE KEY UPDATE created_at = unsubscribes.created_at`.execute(deps.db);
    return unsubscribePage(request, reply, 'done', venueName);
  });
