import { checkCredentials as contract } from '@queue-manager/contracts/internal';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { findAccountByEmail } from '../store/accounts.ts';

/** An unknown e-mail takes as long as a wrong password: `matches` then uses a dummy hash. */
export const checkCredentials = (deps: Deps) =>
  route(contract, async ({ body }) => {
    const account = await findAccountByEmail(deps, body.email);
    const isMatch = await deps.passwords.matches(account?.passwordHash, body.password);
    if (account === undefined || !isMatch) throw problems.invalidCredentials();
    return { userId: account.id, passwordVersion: account.passwordVersion };
  });
