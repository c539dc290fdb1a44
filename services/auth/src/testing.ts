import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import type { TokenPair } from '@queue-manager/contracts/tokens';
import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { provisionTables } from '@queue-manager/service-kit/dynamo';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential, testLogger } from '@queue-manager/service-kit/testing';
import { password, startTestStores, startUserService } from '@queue-manager/user/testing';
import { createAuthApp } from './app.ts';
import { authEnv } from './config.ts';
import { createDeps } from './deps.ts';
import type { IssuedTokens } from './issue-tokens.ts';

/** A new private key for `TOKEN_KEYS`. */
export function newTokenKey(kid: string) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid };
}

export const newSecret = () => randomBytes(32).toString('base64url');

/** Where browsers find the pages; the services listen elsewhere. */
export const publicUrl = 'https://queue.test';

/** The auth and user services on real stores, connected to each other, with a common clock. */
export async function startAccounts() {
  const clock = new ManualClock();
  const stores = await startTestStores();
  const tokenKeys = [newTokenKey('first')];
  const sessionSecret = newSecret();
  const authUrl = Promise.withResolvers<string>();
  const users = await startUserService({
    clock,
    stores,
    verifyAccessToken: async (token) =>
      createAccessTokenVerifier({ clock, authServiceUrl: await authUrl.promise })(token),
  });

  const env = {
    PORT: '0',
    INTERNAL_CREDENTIAL: testCredential,
    USER_SERVICE_URL: users.url,
    PUBLIC_URL: publicUrl,
    TOKEN_KEYS: JSON.stringify(tokenKeys),
    SESSION_SECRET: sessionSecret,
    DYNAMODB_PREFIX: stores.tablePrefix,
    SQS_PREFIX: stores.queues.prefix,
  };
  const makeDeps = (change: Partial<Record<keyof typeof authEnv, string>> = {}) =>
    createDeps(readConfig(authEnv, { ...env, ...change }), {
      dynamo: stores.dynamo,
      sqs: stores.queues.sqs,
      clock,
      logger: testLogger,
    });
  const deps = makeDeps();
  await provisionTables(stores.dynamo, Object.values(deps.tables));
  const app = createAuthApp(deps);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  authUrl.resolve(url);
  await users.deps.authService.close();
  users.deps.authService = createInternalClient({ baseUrl: url, credential: testCredential });

  async function call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
    on = app,
    // biome-ignore lint/suspicious/noExplicitAny: tests read the fields they expect
  ): Promise<{ status: number; body: any; headers: Record<string, unknown> }> {
    const response = await on.inject({
      method,
      url: path,
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      ...(options.body === undefined ? {} : { payload: options.body as object }),
    });
    const body = response.body === '' ? undefined : response.json();
    return { status: response.statusCode, body, headers: response.headers };
  }
  const login = (email: string, offered = password) =>
    call('POST', '/v1/auth/login', { body: { email, password: offered } });
  const refresh = (refreshToken: string, on = app) =>
    call('POST', '/v1/auth/refresh', { body: { refreshToken } }, on);
  const bearer = ({ accessToken }: Pick<TokenPair, 'accessToken'>) => ({
    authorization: `Bearer ${accessToken}`,
  });
  const internal = { [credentialHeader]: testCredential };

  /** Creates an account and signs in; `headers` are those of its session. */
  async function signIn() {
    const { user, email } = await users.openAccount();
    const { body } = await login(email);
    const pair = body as IssuedTokens;
    return { user, email, pair, headers: bearer(pair) };
  }

  const sessionsOf = async (headers: Record<string, string>) =>
    (await call('GET', '/v1/auth/sessions', { headers })).body.data as {
      id: string;
      current: boolean;
    }[];

  async function close() {
    await app.close();
    await users.close();
    for (const { name } of [...Object.values(deps.tables), ...Object.values(users.deps.tables)]) {
      await stores.dynamo.send(new DeleteTableCommand({ TableName: name }));
    }
    stores.dynamo.destroy();
    await stores.queues.drop();
  }

  return {
    app,
    url,
    clock,
    users,
    deps,
    makeDeps,
    stores,
    tokenKeys,
    sessionSecret,
    call,
    login,
    refresh,
    bearer,
    internal,
    signIn,
    sessionsOf,
    close,
  };
}

export type Accounts = Awaited<ReturnType<typeof startAccounts>>;
