import { getSessionsOf as contract, getAccount } from '@queue-manager/contracts/internal';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { isValidFor, readSessions, type Session } from './sessions.ts';

export const getSessionsOf = (deps: Deps) =>
  route(contract, async ({ params: { userId } }) => {
    const account = await deps.userService.find(getAccount, { params: { userId } });
    const sessions: Session[] = [];
    if (account === null) return { sessions };
    for await (const session of readSessions(deps, userId)) {
      if (isValidFor(account, session)) sessions.push(session);
    }
    return { sessions };
  });
