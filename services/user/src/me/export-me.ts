import { getMembershipsOf, getSessionsOf } from '@queue-manager/contracts/internal';
import { exportMe as contract } from '@queue-manager/contracts/users';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { addressKeyOf, requireAccount, toUser } from '../store/accounts.ts';
import { listSignUps } from '../store/sign-ups.ts';

/** Complete or not at all: responds with `unavailable` while a service is. */
export const exportMe = (deps: Deps) =>
  route(contract, async ({ claims }) => {
    const account = await requireAccount(deps, claims);
    const params = { userId: account.id };
    const [signUps, { sessions }, { memberships }] = await Promise.all([
      listSignUps(deps, addressKeyOf(account.email)),
      deps.authService.call(getSessionsOf, { params }),
      deps.queueService.call(getMembershipsOf, { params }),
    ]);
    return {
      exportedAt: deps.clock.now().toISOString(),
      account: toUser(account),
      signUps,
      sessions,
      memberships,
    };
  });
