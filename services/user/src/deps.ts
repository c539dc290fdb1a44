import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createPublisher } from '@queue-manager/events/publish';
import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import type { Clock } from '@queue-manager/service-kit/clock';
import { linkBases, type readConfig } from '@queue-manager/service-kit/config';
import {
  createInternalClient,
  type InternalClient,
} from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { userEnv } from './config.ts';
import { type AccountTokens, createAccountTokens } from './outbox/account-tokens.ts';
import { createEventMaker } from './outbox/event-maker.ts';
import { createRelay, type Relay } from './outbox/relay.ts';
import { createPasswords, type Passwords } from './password/passwords.ts';
import { createFingerprint, type Fingerprint } from './store/idempotency.ts';
import { type Store, tablesOf } from './store/tables.ts';

export type Deps = Store & {
  logger: Logger;
  internalCredential: string;
  verifyAccessToken: VerifyAccessToken;
  passwords: Passwords;
  tokens: AccountTokens;
  fingerprint: Fingerprint;
  relay: Relay;
  authService: InternalClient;
  queueService: InternalClient;
};

type Config = ReturnType<typeof readConfig<typeof userEnv>>;

/** Connections, clock, logger and verifier. */
export type DepsOptions = {
  dynamo: DynamoDBClient;
  sqs: Parameters<typeof createPublisher>[0]['sqs'];
  clock: Clock;
  logger: Logger;
  verifyAccessToken: VerifyAccessToken;
};

export async function createDeps(config: Config, options: DepsOptions): Promise<Deps> {
  const { clock, logger, verifyAccessToken } = options;
  const store: Store = {
    db: DynamoDBDocumentClient.from(options.dynamo),
    tables: tablesOf(config.DYNAMODB_PREFIX),
    clock,
  };
  const tokens = createAccountTokens(config.ACCOUNT_TOKEN_SECRET);
  const credential = config.INTERNAL_CREDENTIAL;
  return {
    ...store,
    logger,
    internalCredential: credential,
    verifyAccessToken,
    passwords: await createPasswords({ atOnce: config.HASHES_AT_ONCE }),
    tokens,
    fingerprint: createFingerprint(config.ACCOUNT_TOKEN_SECRET),
    relay: createRelay({
      store,
      publisher: createPublisher({ sqs: options.sqs, prefix: config.SQS_PREFIX }),
      makeEvent: createEventMaker({
        store,
        tokens,
        accountUrl: linkBases(config).accountUrl,
      }),
      logger,
    }),
    authService: createInternalClient({ baseUrl: config.AUTH_SERVICE_URL, credential }),
    queueService: createInternalClient({ baseUrl: config.QUEUE_SERVICE_URL, credential }),
  };
}
