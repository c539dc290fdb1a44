import { getMe as contract } from '@queue-manager/contracts/users';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { requireAccount, toUser } from '../store/accounts.ts';

export const getMe = (deps: Deps) =>
  route(contract, async ({ claims }) => toUser(await requireAccount(deps, claims)));
