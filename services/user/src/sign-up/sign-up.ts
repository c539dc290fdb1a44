import { signUp as contract } from '@queue-manager/contracts/users';
import { newId } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { requestMail } from '../outbox/mail-requests.ts';
import { refuseGuessable } from '../password/passwords.ts';
import { addressKeyOf, findAccountByEmail } from '../store/accounts.ts';
import { idempotently } from '../store/idempotency.ts';
import { putSignUp, signUpLifeSeconds } from '../store/sign-ups.ts';

const pending = { status: 'pending' } as const;

/** Responds the same, after about the same time, whether or not the e-mail has an account. */
export const signUp = (deps: Deps) =>
  route(contract, (request) =>
    idempotently(deps, contract, request, {
      replay: async () => pending,
      work: async (record) => {
        const { name, email, password, locale } = request.body;
        refuseGuessable('password', password, email);
        const passwordHash = await deps.passwords.hash(password);
        const account = await findAccountByEmail(deps, email);
        const addressKey = addressKeyOf(email);
        if (account !== undefined) {
          await requestMail(deps, {
            email,
            mail: { kind: 'mail.account-exists', userId: account.id },
            record: record(),
          });
          return pending;
        }
        const now = deps.clock.now();
        const id = newId(deps.clock);
        const expiresAt = new Date(now.getTime() + signUpLifeSeconds * 1_000);
        await requestMail(deps, {
          email,
          mail: { kind: 'mail.verify-account', signUp: { addressKey, id } },
          writes: {
            signUp: putSignUp(deps, {
              addressKey,
              id,
              name,
              email,
              locale,
              passwordHash,
              createdAt: now.toISOString(),
              expiresAt: expiresAt.toISOString(),
            }),
          },
          record: record(),
        });
        return pending;
      },
    }),
  );
