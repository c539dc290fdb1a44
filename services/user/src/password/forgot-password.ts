import { forgotPassword as contract } from '@queue-manager/contracts/users';
import { hourMs } from '@queue-manager/service-kit/durations';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { requestMail, respondLater } from '../outbox/mail-requests.ts';
import { findAccountByEmail } from '../store/accounts.ts';
import { idempotently } from '../store/idempotency.ts';

const pending = { status: 'pending' } as const;

/** Responds the same, after about the same time, whether or not the e-mail has an account. */
export const forgotPassword = (deps: Deps) =>
  route(contract, (request) =>
    respondLater(
      idempotently(deps, contract, request, {
        replay: async () => pending,
        work: async (record) => {
          const { body } = request;
          const account = await findAccountByEmail(deps, body.email);
          const expiresAt = new Date(deps.clock.now().getTime() + hourMs);
          await requestMail(deps, {
            email: body.email,
            mail:
              account === undefined
                ? null
                : {
                    kind: 'mail.reset-password',
                    userId: account.id,
                    passwordVersion: account.passwordVersion,
                    expiresAt: expiresAt.toISOString(),
                  },
            record: record(),
          });
          return pending;
        },
      }),
    ),
  );
