import { GetQueueUrlCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { brokerName, type QueueName } from './topology.ts';

/**
 * An SQS client. Region, credentials and, unless given, endpoint come from the SDK's own variables
 * (`AWS_ENDPOINT_URL_SQS`).
 * A request that is not answered in 10 s is given up and tried again (three times in all), so a receive
 * through it may wait 5 s at most.
 */
export function createSqsClient(options: Pick<SQSClientConfig, 'endpoint'> = {}): SQSClient {
  return new SQSClient({
    ...options,
    // The queue's URL names it; where the broker stands is for the endpoint alone to say.
    useQueueUrlAsEndpoint: false,
    requestHandler: {
      connectionTimeout: 2_000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
    },
  });
}

/** Finds the URL of a queue, once. Throws what SQS throws when the queue or SQS is not there. */
export type QueueUrls = (queue: QueueName) => Promise<string>;

export function createQueueUrls(sqs: SQSClient, prefix: string): QueueUrls {
  const known = new Map<QueueName, string>();
  return async (queue) => {
    const url = known.get(queue) ?? (await findQueue(sqs, prefix, queue));
    known.set(queue, url);
    return url;
  };
}

/** Asks SQS for a queue, as a readiness check does. Throws when the queue or SQS is not there. */
export async function findQueue(sqs: SQSClient, prefix: string, queue: QueueName): Promise<string> {
  const { QueueUrl } = await sqs.send(
    new GetQueueUrlCommand({ QueueName: brokerName(prefix, queue) }),
  );
  if (QueueUrl === undefined) throw new Error(`SQS named no URL for queue ${queue}`);
  return QueueUrl;
}
