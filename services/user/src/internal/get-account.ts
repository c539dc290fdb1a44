import { getAccount as contract } from '@queue-manager/contracts/internal';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { findAccount } from '../store/accounts.ts';

export const getAccount = (deps: Deps) =>
  route(contract, async ({ params }) => {
    const account = await findAccount(deps, params.userId);
    if (account === undefined) throw problems.notFound();
    return account;
  });
