import { type Account, getAccount } from '@queue-manager/contracts/internal';
import { isProblem } from '@queue-manager/service-kit/problems';
import type { Deps } from './deps.ts';

/** The account from the user service; undefined when it was deleted. */
export async function findAccount(
  { userService }: Deps,
  userId: string,
): Promise<Account | undefined> {
  try {
    return await userService.call(getAccount, { params: { userId } });
  } catch (error) {
    if (isProblem(error, 'not-found')) return undefined;
    throw error;
  }
}
