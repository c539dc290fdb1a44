import { getNames } from '@queue-manager/contracts/internal';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage } from '@queue-manager/service-kit/problems';

/** Names of accounts in the order of their ids; all null while the user service is unavailable. */
export async function namesOf(
  { users, logger }: { users: InternalClient; logger: Logger },
  userIds: readonly Buffer[],
): Promise<(string | null)[]> {
  try {
    const body = { userIds: userIds.map((id) => bytesToUuid(id)) };
    return (await users.call(getNames, { body })).names;
  } catch (error) {
    if (!isOutage(error)) throw error;
    logger.warn({ err: error }, 'user service unavailable: answering without names of staff');
    return userIds.map(() => null);
  }
}
