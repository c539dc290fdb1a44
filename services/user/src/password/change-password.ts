import { changePassword as contract } from '@queue-manager/contracts/users';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { commit } from '../outbox/outbox.ts';
import { replacePassword, requireAccount } from '../store/accounts.ts';
import { idempotently } from '../store/idempotency.ts';
import { refuseGuessable } from './passwords.ts';

/** Sets a new password; every session but the caller's ends. */
export const changePassword = (deps: Deps) =>
  route(contract, ({ body, claims, idempotencyKey }) =>
    idempotently<undefined>(
      deps,
      { idempotencyKey, body, caller: claims.sub, operation: contract.operationId },
      {
        replay: async () => undefined,
        work: async (record) => {
          const account = await requireAccount(deps, claims);
          if (!(await deps.passwords.matches(account.passwordHash, body.currentPassword))) {
            throw problems.invalidCredentials({ detail: 'The current password is wrong.' });
          }
          refuseGuessable('newPassword', body.newPassword, account.email);
          const passwordHash = await deps.passwords.hash(body.newPassword);
          const refused = await commit(deps, {
            ...record(),
            password: replacePassword(deps, account, { passwordHash, keptSessionId: claims.sid }),
          });
          // A concurrent change was faster, so this is no longer the current password.
          if (refused.length > 0) {
            throw problems.invalidCredentials({ detail: 'The current password is wrong.' });
          }
          return undefined;
        },
      },
    ),
  );
