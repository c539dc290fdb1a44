import { resendVerification as contract } from '@queue-manager/contracts/users';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { requestMail } from '../outbox/mail-requests.ts';
import { addressKeyOf, findAccountByEmail } from '../store/accounts.ts';
import { idempotently } from '../store/idempotency.ts';
import { listSignUps } from '../store/sign-ups.ts';

const pending = { status: 'pending' } as const;

/** Mails the newest pending sign-up's link once more: the same link, for the password given with it. */
export const resendVerification = (deps: Deps) =>
  route(contract, ({ body, idempotencyKey }) =>
    idempotently(
      deps,
      { idempotencyKey, body, caller: 'public', operation: contract.operationId },
      {
        replay: async () => pending,
        work: async (remember) => {
          const addressKey = addressKeyOf(body.email);
          const account = await findAccountByEmail(deps, body.email);
          const [newest] = await listSignUps(deps, addressKey);
          // With an account, a sign-up can no longer be verified.
          const isUseful = newest !== undefined && account === undefined;
          await requestMail(deps, {
            addressKey,
            mail: isUseful
              ? { kind: 'mail.verify-account', signUp: { addressKey, id: newest.id } }
              : null,
            memory: remember(),
          });
          return pending;
        },
      },
    ),
  );
