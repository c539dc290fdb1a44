/** `node services/forwarder/src/provision.ts`: creates missing tables and message queues before the service starts. */
import { provisionOf, provisionOnce } from '@queue-manager/events/provision-stores';
import { readConfig } from '@queue-manager/service-kit/config';
import { forwarderLambdaEnv } from './config.ts';
import { forwarderTable } from './state/table.ts';

export const provision = provisionOf((prefix) => [forwarderTable(prefix)]);

if (import.meta.main) {
  const { DYNAMODB_PREFIX, SQS_PREFIX } = forwarderLambdaEnv;
  await provisionOnce(provision, () => readConfig({ DYNAMODB_PREFIX, SQS_PREFIX }));
}
