import { resetPassword as contract } from '@queue-manager/contracts/users';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { commit } from '../outbox/outbox.ts';
import { findAccount, replacePassword } from '../store/accounts.ts';
import { idempotently } from '../store/idempotency.ts';
import { refuseGuessable } from './passwords.ts';

/** Sets a new password. The new password version ends every session and every other reset token. */
export const resetPassword = (deps: Deps) =>
  route(contract, ({ body, idempotencyKey }) =>
    idempotently<undefined>(
      deps,
      { idempotencyKey, body, caller: 'public', operation: contract.operationId },
      {
        replay: async () => undefined,
        work: async (record) => {
          const permission = deps.tokens.readReset(body.token);
          if (permission === null || permission.expiresAt <= deps.clock.now()) {
            throw problems.invalidToken();
          }
          const account = await findAccount(deps, permission.userId);
          if (account?.passwordVersion !== permission.passwordVersion) {
            throw problems.invalidToken();
          }
          refuseGuessable('password', body.password, account.email);
          const passwordHash = await deps.passwords.hash(body.password);
          const refused = await commit(deps, {
            ...record(),
            password: replacePassword(deps, account, { passwordHash, keptSessionId: null }),
          });
          if (refused.length > 0) throw problems.invalidToken();
          return undefined;
        },
      },
    ),
  );
