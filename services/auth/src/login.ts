import { checkCredentials } from '@queue-manager/contracts/internal';
import { login as contract } from '@queue-manager/contracts/tokens';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { issueTokens } from './issue-tokens.ts';
import { deleteOldSessions, openSession } from './sessions.ts';

/** The user service takes the same time for an unknown e-mail as for a wrong password, with the same error. */
export const login = (deps: Deps) =>
  route(contract, async ({ body, server }, reply) => {
    const account = await deps.userService.call(checkCredentials, { body });
    const session = await openSession(deps, account);
    await deleteOldSessions(deps, account.userId);
    reply.header('cache-control', 'no-store');
    return issueTokens(deps, server.jwt, session, session.counter);
  });
