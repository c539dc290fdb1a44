import { getAccount } from '@queue-manager/contracts/internal';
import { refresh as contract, tokenLives } from '@queue-manager/contracts/tokens';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { issueTokens } from './issue-tokens.ts';
import { deleteSession, findSession, isValidFor, type Session, spendToken } from './sessions.ts';

/**
 * Exchanges a refresh token for its successor. A token that was spent a moment ago gets the same successor again,
 * since mobile networks lose responses. A token that was spent longer ago is held by two parties, so the session
 * ends for both. The account is read before the token is spent, so that a client keeps a valid token while the user
 * service is unavailable.
 */
export const refresh = (deps: Deps) =>
  route(contract, async ({ body, server }, reply) => {
    const presented = deps.refreshTokens.read(body.refreshToken);
    if (presented === null) throw problems.invalidRefreshToken();
    const { userId, sessionId, counter } = presented;
    reply.header('cache-control', 'no-store');

    for (;;) {
      const session = await findSession(deps, { userId, id: sessionId });
      // A forged token must not end the session: its id is readable in access tokens.
      if (session === undefined || !deps.refreshTokens.isGenuine(session, presented)) {
        throw problems.invalidRefreshToken();
      }
      const isNext = counter === session.counter;
      if (!isNext && !isJustSpent(deps, session, counter)) {
        deps.logger.warn({ sessionId }, 'spent refresh token used again: session ended');
        await deleteSession(deps, session);
        throw problems.invalidRefreshToken();
      }
      const account = await deps.userService.find(getAccount, { params: { userId } });
      if (account === null || !isValidFor(account, session)) {
        await deleteSession(deps, session);
        throw problems.invalidRefreshToken();
      }
      // If another request spends it first, the next iteration finds it just spent.
      if (!isNext || (await spendToken(deps, session)) !== undefined) {
        return issueTokens(deps, server.jwt, session, counter + 1);
      }
    }
  });

function isJustSpent({ clock }: Deps, session: Session, counter: number): boolean {
  const spentAt = session.spentAt[session.counter - 1 - counter];
  if (spentAt === undefined) return false;
  // A clock that was set back must not make an old token new.
  return Math.abs(clock.now().getTime() - spentAt) <= tokenLives.reuseGraceSeconds * 1_000;
}
