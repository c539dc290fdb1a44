import type { EventOf } from '@queue-manager/contracts/events';
import type { Deps } from './deps.ts';
import { deleteSessionsOf } from './sessions.ts';

/** Ends the sessions of a deleted account. Idempotent. */
export const onUserDeleted =
  (deps: Deps) =>
  async ({ data }: EventOf<'user.deleted'>): Promise<void> =>
    deleteSessionsOf(deps, data.userId);
