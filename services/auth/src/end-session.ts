import { endSession as contract } from '@queue-manager/contracts/tokens';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { deleteSession } from './sessions.ts';

/** Looks up the session under the caller's account only, so another account's session is a 404. */
export const endSession = (deps: Deps) =>
  route(contract, async ({ claims, params }) => {
    const isEnded = await deleteSession(deps, { userId: claims.sub, id: params.sessionId });
    if (!isEnded) throw problems.notFound();
    return undefined;
  });
