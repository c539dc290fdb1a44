import { resendVerification as contract } from '@queue-manager/contracts/users';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { requestMail, respondLater } from '../outbox/mail-requests.ts';
import { addressKeyOf, findAccountByEmail } from '../store/accounts.ts';
import { idempotently } from '../store/idempotency.ts';
import { listSignUps } from '../store/sign-ups.ts';

const pending = { status: 'pending' } as const;

/** Mails the link of the newest pending sign-up again. */
export const resendVerification = (deps: Deps) =>
  route(contract, (request) =>
    respondLater(
      idempotently(deps, contract, request, {
        replay: async () => pending,
        work: async (record) => {
          const { body } = request;
          const addressKey = addressKeyOf(body.email);
          const account = await findAccountByEmail(deps, body.email);
          const [newest] = await listSignUps(deps, addressKey);
          // Once an account exists, its sign-ups can no longer be verified.
          const isVerifiable = newest !== undefined && account === undefined;
          await requestMail(deps, {
            email: body.email,
            mail: isVerifiable
              ? { kind: 'mail.verify-account', signUp: { addressKey, id: newest.id } }
              : null,
            record: record(),
          });
          return pending;
        },
      }),
    ),
  );
