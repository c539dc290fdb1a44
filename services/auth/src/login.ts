import { checkCredentials } from '@queue-manager/contracts/internal';
import { login as contract } from '@queue-manager/contracts/tokens';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { endSessionOf } from './end-session-of.ts';
import { issueTokens } from './issue-tokens.ts';
import { deleteOldSessions, openSession } from './sessions.ts';

/**
 * The user service takes the same time for an unknown e-mail as for a wrong password, with the same error. A cookie
 * that is replaced can never be used again, so its session ends: a late response that sets it once more must not
 * bring another account back.
 */
export const login = (deps: Deps) =>
  route(contract, async (request, reply) => {
    const { body, server } = request;
    const { email, password } = body;
    const isCookie = body.session === 'cookie';
    if (isCookie) deps.refreshCookie.requireSameOrigin(request);
    const account = await deps.userService.call(checkCredentials, { body: { email, password } });
    const session = await openSession(deps, account);
    await deleteOldSessions(deps, account.userId);
    reply.header('cache-control', 'no-store');
    const { refreshToken, ...tokens } = issueTokens(deps, server.jwt, session, session.counter);
    if (!isCookie) return { ...tokens, refreshToken };

    const replaced = deps.refreshCookie.read(request);
    if (replaced !== undefined) await endSessionOf(deps, replaced);
    deps.refreshCookie.set(reply, refreshToken);
    return tokens;
  });
