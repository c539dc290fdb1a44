import { endSession as contract } from '@queue-manager/contracts/tokens';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { deleteSession } from './sessions.ts';

/** Another account's session is not found: sessions are looked up under the caller's own account only. */
export const endSession = (deps: Deps) =>
  route(contract, async ({ claims, params }) => {
    const isEnded = await deleteSession(deps, { userId: claims.sub, id: params.sessionId });
    if (!isEnded) throw problems.notFound();
    return undefined;
  });
