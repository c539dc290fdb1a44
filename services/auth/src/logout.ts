import { logout as contract } from '@queue-manager/contracts/tokens';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { deleteSession } from './sessions.ts';

/** Succeeds also when the session has ended already. */
export const logout = (deps: Deps) =>
  route(contract, async ({ claims }) => {
    await deleteSession(deps, { userId: claims.sub, id: claims.sid });
    return undefined;
  });
