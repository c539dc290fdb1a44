import type { EventOf } from '@queue-manager/contracts/events';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Deps } from './deps.ts';

/** A deleted account is a member of nothing. Deleting nothing a second time changes nothing. */
export const onUserDeleted =
  ({ db }: Pick<Deps, 'db'>) =>
  async (event: EventOf<'user.deleted'>): Promise<void> => {
    await db.deleteFrom('members').where('user_id', '=', uuidToBytes(event.data.userId)).execute();
  };
