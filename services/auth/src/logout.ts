import { logout as contract } from '@queue-manager/contracts/tokens';
import { bearerOf } from '@queue-manager/service-kit/create-app';
import { route } from '@queue-manager/service-kit/route';
import type { FastifyRequest } from 'fastify';
import type { Deps } from './deps.ts';
import { endSessionOf } from './end-session-of.ts';
import { deleteSession } from './sessions.ts';

/**
 * Succeeds also when the session has ended already. The cookie is enough, since the access token of a page may have
 * expired; where both are sent, they may belong to different sessions after a sign-in in another tab.
 */
export const logout = (deps: Deps) =>
  route(contract, async (request, reply) => {
    const cookie = deps.refreshCookie.read(request);
    const claims = await claimsOf(deps, request).catch((error: unknown) => {
      if (cookie === undefined) throw error;
      return null;
    });
    if (claims !== null) await deleteSession(deps, { userId: claims.sub, id: claims.sid });
    if (cookie !== undefined) {
      await endSessionOf(deps, cookie);
      deps.refreshCookie.clear(reply);
    }
    return undefined;
  });

async function claimsOf(deps: Deps, { headers }: Pick<FastifyRequest, 'headers'>) {
  return deps.verifyAccessToken(bearerOf(headers.authorization));
}
