import { verifyUser as contract } from '@queue-manager/contracts/users';
import { newId } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { commit } from '../outbox/outbox.ts';
import { type Account, findAccount, putAccount, toUser } from '../store/accounts.ts';
import { idempotently } from '../store/idempotency.ts';
import { deleteSignUp, findSignUp } from '../store/sign-ups.ts';

/**
 * Creates the account of a sign-up, with the password of that sign-up. One transaction claims the address, writes
 * the account and deletes the sign-up, each on condition that no other did. So of concurrent verifications, of one
 * sign-up or of several for one address, the first wins, and an existing account is never changed.
 */
export const verifyUser = (deps: Deps) =>
  route(contract, (request) =>
    idempotently(deps, contract, request, {
      replay: async ({ userId = '' }) => {
        const account = await findAccount(deps, userId);
        if (account === undefined) throw problems.invalidToken();
        return toUser(account);
      },
      work: async (record) => {
        const { body } = request;
        const signUpKey = deps.tokens.readVerification(body.token);
        const signUp = signUpKey && (await findSignUp(deps, signUpKey));
        if (!signUp) throw problems.invalidToken();
        const { name, email, locale, passwordHash, createdAt } = signUp;
        const account: Account = {
          id: newId(deps.clock),
          name,
          email,
          locale,
          passwordHash,
          passwordVersion: 1,
          keptSessionId: null,
          createdAt,
          verifiedAt: deps.clock.now().toISOString(),
        };
        const refused = await commit(
          deps,
          {
            ...record({ userId: account.id }),
            ...putAccount(deps, account),
            signUp: deleteSignUp(deps, signUp),
          },
          [{ kind: 'user.verified', userId: account.id }],
        );
        if (refused.length > 0) throw problems.invalidToken();
        return toUser(account);
      },
    }),
  );
