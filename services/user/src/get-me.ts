import { getMe as contract } from '@queue-manager/contracts/users';
import { route } from '@queue-manager/service-kit/route';
import { requireAccount, toUser } from './accounts.ts';
import type { Deps } from './deps.ts';

export const getMe = (deps: Deps) =>
  route(contract, async ({ claims }) => toUser(await requireAccount(deps, claims)));
