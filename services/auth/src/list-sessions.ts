import { getAccount } from '@queue-manager/contracts/internal';
import { listSessions as contract, type Session } from '@queue-manager/contracts/tokens';
import { decodeCursor, encodeCursor } from '@queue-manager/service-kit/cursor';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { isValidFor, readSessions } from './sessions.ts';

/** The valid sessions, newest first. */
export const listSessions = (deps: Deps) =>
  route(contract, async ({ claims, query }) => {
    const [afterId] = query.cursor === undefined ? [] : decodeCursor(query.cursor, ['uuid']);
    const account = await deps.userService.find(getAccount, { params: { userId: claims.sub } });
    if (account === null) {
      throw problems.unauthenticated({ detail: 'This account has been deleted.' });
    }
    const data: Session[] = [];
    for await (const session of readSessions(deps, claims.sub, afterId)) {
      if (!isValidFor(account, session)) continue;
      if (data.length === query.limit) {
        return { data, nextCursor: encodeCursor([(data.at(-1) as Session).id]) };
      }
      data.push({ ...session, current: session.id === claims.sid });
    }
    return { data, nextCursor: null };
  });
