import { refresh as contract, tokenLives } from '@queue-manager/contracts/tokens';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { findAccount } from './find-account.ts';
import { issueTokens } from './issue-tokens.ts';
import { countsFor, deleteSession, findSession, type Session, spendToken } from './sessions.ts';

/**
 * Spends a refresh token for its successor. A token that was spent a moment ago gets the same successor again,
 * since mobile networks lose replies; one spent longer ago was stolen from one of the two who now hold it, so
 * the session ends for both. Nothing is spent before the account was asked for: while the user service is away
 * the client keeps a token that works.
 */
export const refresh = (deps: Deps) =>
  route(contract, async ({ body, server }, reply) => {
    const presented = deps.refreshTokens.read(body.refreshToken);
    if (presented === null) throw problems.invalidRefreshToken();
    const { userId, sessionId, counter } = presented;
    reply.header('cache-control', 'no-store');

    for (;;) {
      const session = await findSession(deps, { userId, id: sessionId });
      // A forged token must not end a session whose id was seen in an access token.
      if (session === undefined || !deps.refreshTokens.isGenuine(session, presented)) {
        throw problems.invalidRefreshToken();
      }
      const isNext = counter === session.counter;
      if (!isNext && !isJustSpent(deps, session, counter)) {
        deps.logger.warn({ sessionId }, 'a spent refresh token was used again; its session ends');
        await deleteSession(deps, session);
        throw problems.invalidRefreshToken();
      }
      const account = await findAccount(deps, userId);
      if (account === undefined || !countsFor(account, session)) {
        await deleteSession(deps, session);
        throw problems.invalidRefreshToken();
      }
      // When another request spends it first, the next look finds it just spent.
      if (!isNext || (await spendToken(deps, session)) !== undefined) {
        return issueTokens(deps, server.jwt, session, counter + 1);
      }
    }
  });

function isJustSpent({ clock }: Deps, session: Session, counter: number): boolean {
  const spentAt = session.spentAt[session.counter - 1 - counter];
  if (spentAt === undefined) return false;
  return clock.now().getTime() - spentAt <= tokenLives.reuseGraceSeconds * 1_000;
}
