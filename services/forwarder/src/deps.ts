import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { makeEvent } from '@queue-manager/contracts/events';
import { usersTable } from '@queue-manager/contracts/users';
import { createAlerts } from '@queue-manager/events/alerts';
import { createSnsClient, createSqsClient, findQueue } from '@queue-manager/events/client';
import { createPublisher } from '@queue-manager/events/publish';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { readConfig } from '@queue-manager/service-kit/config';
import { connectDynamo } from '@queue-manager/service-kit/dynamo';
import { newId } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { forwarderLambdaEnv } from './config.ts';
import { createApi } from './drain/api.ts';
import { createDrain } from './drain/drain.ts';
import { cacheParameters, parameterFolder, parameterStore } from './drain/parameters.ts';
import { forwarderTable } from './state/table.ts';
import { createForwardAccounts } from './stream/forward-accounts.ts';

type Config = ReturnType<typeof readConfig<typeof forwarderLambdaEnv>>;

export type Deps = ReturnType<typeof createDeps>;

/** Both halves, for the process, for Lambda and for people. */
export function createDeps(config: Config, options: { clock: Clock; logger: Logger }) {
  const { clock, logger } = options;
  const dynamo = connectDynamo();
  const sqs = createSqsClient();
  const sns = createSnsClient();
  const sqsPrefix = config.SQS_PREFIX;
  const store = {
    db: DynamoDBDocumentClient.from(dynamo),
    table: forwarderTable(config.DYNAMODB_PREFIX).name,
    clock,
  };
  const folder = config.FORWARD_PARAMETERS_FOLDER;
  const parameters = cacheParameters(
    folder === undefined
      ? parameterStore(new SSMClient(), config.FORWARD_PARAMETERS_PATH)
      : parameterFolder(folder),
    { clock, cacheSeconds: config.FORWARD_PARAMETERS_CACHE_SECONDS },
  );
  const alerts = createAlerts({ sns, prefix: sqsPrefix });
  const timeoutMs = config.FORWARD_TIMEOUT_SECONDS * 1_000;
  const allowPrivate = config.FORWARD_ALLOW_PRIVATE;
  const api = createApi({ timeoutMs, allowPrivate });
  const usersTableName = `${config.DYNAMODB_PREFIX}${usersTable}`;

  /** Contacts in the queue, including one that is being sent. */
  const countContacts = async () => {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: await findQueue(sqs, sqsPrefix, 'contacts.fifo'),
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
  };

  return {
    clock,
    logger,
    dynamo,
    streams: new DynamoDBStreamsClient({ maxAttempts: 3 }),
    sqs,
    sqsPrefix,
    store,
    parameters,
    usersTableName,
    allowPrivate,
    countContacts,
    forwardAccounts: createForwardAccounts({
      publisher: createPublisher({ sqs, prefix: sqsPrefix }),
      sqs,
      sqsPrefix,
      clock,
      logger,
    }),
    drain: createDrain({
      store,
      usersTable: usersTableName,
      sqs,
      sqsPrefix,
      parameters,
      api,
      raiseAlert: async (firstError) =>
        alerts.publish(
          makeEvent({
            id: newId(clock),
            source: '/forwarder',
            type: 'alert.raised',
            subject: 'contacts.fifo',
            time: clock.now().toISOString(),
            data: {
              kind: 'stopped',
              queue: 'contacts.fifo',
              count: await countContacts(),
              firstError,
              messageIds: [],
            },
          }),
        ),
      timeoutMs,
      requestsPerSecond: config.FORWARD_REQUESTS_PER_SECOND,
      allowPrivate,
      logger,
    }),
    async close() {
      await api.close();
      dynamo.destroy();
      sqs.destroy();
      sns.destroy();
    },
  };
}
