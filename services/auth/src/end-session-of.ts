import type { Deps } from './deps.ts';
import { deleteSession, findSession } from './sessions.ts';

/** Ends the session of a refresh token, also of a spent one. A forged token ends none. */
export async function endSessionOf(deps: Deps, refreshToken: string): Promise<void> {
  const presented = deps.refreshTokens.read(refreshToken);
  if (presented === null) return;
  const { userId, sessionId } = presented;
  const session = await findSession(deps, { userId, id: sessionId });
  if (session !== undefined && deps.refreshTokens.isGenuine(session, presented)) {
    await deleteSession(deps, session);
  }
}
