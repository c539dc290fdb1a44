/** `node services/user/src/provision.ts`: creates missing tables and message queues before the service starts. */
import { provisionOf, provisionOnce } from '@queue-manager/events/provision-stores';
import { readConfig } from '@queue-manager/service-kit/config';
import { userEnv } from './config.ts';
import { tablesOf } from './store/tables.ts';

export const provision = provisionOf((prefix) => Object.values(tablesOf(prefix)));

if (import.meta.main) {
  const { DYNAMODB_PREFIX, SQS_PREFIX } = userEnv;
  await provisionOnce(provision, () => readConfig({ DYNAMODB_PREFIX, SQS_PREFIX }));
}
