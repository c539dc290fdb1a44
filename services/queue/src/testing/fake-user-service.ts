import { type Account, getAccount, getNames } from '@queue-manager/contracts/internal';
import { systemClock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import { newId } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { testCredential, testLogger } from '@queue-manager/service-kit/testing';

/** A fake user service, with the accounts that `open` created. */
export async function startFakeUserService() {
  const accounts = new Map<string, Account>();
  /** While `isUnavailable`, every call fails like a lost connection. */
  const state = { isUnavailable: false };
  const app = createApp({ logger: testLogger, readiness: {}, internalCredential: testCredential });
  const failWhileUnavailable = () => {
    if (state.isUnavailable)
      throw Object.assign(new Error('unavailable'), { code: 'ECONNREFUSED' });
  };
  app.route(
    route(getAccount, async ({ params }) => {
      failWhileUnavailable();
      const account = accounts.get(params.userId);
      if (account === undefined) throw problems.notFound();
      return account;
    }),
  );
  app.route(
    route(getNames, async ({ body }) => {
      failWhileUnavailable();
      return { names: body.userIds.map((id) => accounts.get(id)?.name ?? null) };
    }),
  );
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    state,
    /** Creates an account, or replaces the one with this id. */
    open(fields: { id?: string; name?: string; email?: string } = {}): Account {
      const id = fields.id ?? newId(systemClock);
      const account = {
        id,
        name: 'Ana Lima',
        email: `${id}@example.com`,
        locale: 'en',
        passwordVersion: 1,
        keptSessionId: null,
        ...fields,
      };
      accounts.set(id, account);
      return account;
    },
    forget: (id: string) => accounts.delete(id),
    close: () => app.close(),
  };
}
