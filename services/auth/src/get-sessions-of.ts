import { getSessionsOf as contract } from '@queue-manager/contracts/internal';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { findAccount } from './find-account.ts';
import { isValidFor, readSessions, type Session } from './sessions.ts';

export const getSessionsOf = (deps: Deps) =>
  route(contract, async ({ params: { userId } }) => {
    const account = await findAccount(deps, userId);
    const sessions: Session[] = [];
    if (account === undefined) return { sessions };
    for await (const session of readSessions(deps, userId)) {
      if (isValidFor(account, session)) sessions.push(session);
    }
    return { sessions };
  });
