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
 * service is unavailable. The token comes from the body or else from the cookie, and its successor goes the same way.
 */
export const refresh = (deps: Deps) =>
  route(contract, async (request, reply) => {
    const { body, server } = request;
    const isCookie = body.refreshToken === undefined;
    const token = body.refreshToken ?? deps.refreshCookie.read(request);
    if (token === undefined) {
      throw problems.unauthenticated({ detail: 'Send a refresh token, or sign in.' });
    }
    const presented = deps.refreshTokens.read(token);
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
      const isKept = isCookie && isNext && isNew(deps, session);
      // If another request spends it first, the next iteration finds it just spent.
      if (!isNext || isKept || (await spendToken(deps, session)) !== undefined) {
        const { refreshToken, ...tokens } = issueTokens(deps, server.jwt, session, counter + 1);
        if (!isCookie) return { ...tokens, refreshToken };
        if (!isKept) deps.refreshCookie.set(reply, refreshToken);
        return tokens;
      }
    }
  });

function isJustSpent(deps: Deps, session: Session, counter: number): boolean {
  const spentAt = session.spentAt[session.counter - 1 - counter];
  return isWithin(deps, tokenLives.reuseGraceSeconds, spentAt);
}

/**
 * Whether the current token is too new to be replaced in a cookie. Otherwise two quick refreshes could overtake a
 * response to the first of them, and the browser would keep a token that was spent long ago at its next use.
 */
function isNew(deps: Deps, session: Session): boolean {
  return isWithin(deps, tokenLives.cookieMinSeconds, session.spentAt[0]);
}

function isWithin({ clock }: Deps, seconds: number, at: number | undefined): boolean {
  if (at === undefined) return false;
  // A clock that was set back must not make an old token new.
  return Math.abs(clock.now().getTime() - at) <= seconds * 1_000;
}
