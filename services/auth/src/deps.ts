import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { ConsumerOptions } from '@queue-manager/events/consume';
import {
  createAccessTokenVerifier,
  type VerifyAccessToken,
} from '@queue-manager/service-kit/access-tokens';
import type { Clock } from '@queue-manager/service-kit/clock';
import { linkBases, type readConfig } from '@queue-manager/service-kit/config';
import {
  createInternalClient,
  type InternalClient,
} from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { createLocalJWKSet } from 'jose';
import type { authEnv } from './config.ts';
import type { KeyRing } from './key-ring.ts';
import { createRefreshCookie, type RefreshCookie } from './refresh-cookie.ts';
import { createRefreshTokens, type RefreshTokens } from './refresh-tokens.ts';
import type { Store } from './sessions.ts';
import { tablesOf } from './tables.ts';

export type Deps = Store & {
  logger: Logger;
  internalCredential: string;
  keyRing: KeyRing;
  verifyAccessToken: VerifyAccessToken;
  refreshTokens: RefreshTokens;
  refreshCookie: RefreshCookie;
  userService: InternalClient;
  sqs: ConsumerOptions['sqs'];
  sqsPrefix: string;
};

type Config = ReturnType<typeof readConfig<typeof authEnv>>;

/** Connections, clock and logger. */
type DepsOptions = {
  dynamo: DynamoDBClient;
  sqs: ConsumerOptions['sqs'];
  clock: Clock;
  logger: Logger;
};

export function createDeps(config: Config, { dynamo, sqs, clock, logger }: DepsOptions): Deps {
  const keyRing = config.TOKEN_KEYS;
  return {
    db: DynamoDBDocumentClient.from(dynamo),
    tables: tablesOf(config.DYNAMODB_PREFIX),
    clock,
    logger,
    internalCredential: config.INTERNAL_CREDENTIAL,
    keyRing,
    verifyAccessToken: createAccessTokenVerifier({ clock, keys: createLocalJWKSet(keyRing.jwks) }),
    refreshTokens: createRefreshTokens(config.SESSION_SECRET),
    refreshCookie: createRefreshCookie(linkBases(config).accountUrl),
    userService: createInternalClient({
      baseUrl: config.USER_SERVICE_URL,
      credential: config.INTERNAL_CREDENTIAL,
    }),
    sqs,
    sqsPrefix: config.SQS_PREFIX,
  };
}
