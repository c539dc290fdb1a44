import { getMembershipsOf } from '@queue-manager/contracts/internal';
import { accountKey, deleteMe as contract } from '@queue-manager/contracts/users';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { commit } from '../outbox/outbox.ts';
import { addressKeyOf, emailKey, requireAccount } from '../store/accounts.ts';
import { idempotently } from '../store/idempotency.ts';
import { deleteSignUp, listSignUps } from '../store/sign-ups.ts';

/** Deletes the account and its pending sign-ups. Other services delete their data on `user.deleted`. */
export const deleteMe = (deps: Deps) =>
  route(contract, (request) =>
    idempotently<undefined>(deps, contract, request, {
      replay: async () => undefined,
      work: async (record) => {
        const { body, claims } = request;
        const account = await requireAccount(deps, claims);
        if (!(await deps.passwords.matches(account.passwordHash, body.password))) {
          throw problems.invalidCredentials({ detail: 'The password is wrong.' });
        }
        const { memberships } = await deps.queueService.call(getMembershipsOf, {
          params: { userId: account.id },
        });
        if (memberships.some(({ soleOwner }) => soleOwner)) {
          throw problems.lastOwner({
            detail: 'You are the only owner of a venue. Delete it or give it another owner first.',
          });
        }
        const signUps = await listSignUps(deps, addressKeyOf(account.email));
        const TableName = deps.tables.users.name;
        const refused = await commit(
          deps,
          {
            ...record(),
            account: {
              Delete: {
                TableName,
                Key: accountKey(account.id),
                ConditionExpression: 'passwordVersion = :read',
                ExpressionAttributeValues: { ':read': account.passwordVersion },
              },
            },
            address: { Delete: { TableName, Key: emailKey(account.email) } },
            ...Object.fromEntries(
              signUps.map((signUp) => [`signUp ${signUp.id}`, deleteSignUp(deps, signUp)]),
            ),
          },
          [{ kind: 'user.deleted', userId: account.id }],
        );
        if (refused.length > 0) {
          // The account was deleted or changed since it was read.
          await requireAccount(deps, claims);
          throw problems.unavailable({ retryAfterSeconds: 1 });
        }
        return undefined;
      },
    }),
  );
