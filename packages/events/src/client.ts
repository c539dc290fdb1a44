import { SNSClient, type SNSClientConfig } from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { brokerName, deadLetterName, type QueueName } from './topology.ts';

const requestHandler = {
  connectionTimeout: 2_000,
  requestTimeout: 10_000,
  throwOnRequestTimeout: true,
};

/**
 * An SQS client. Region, credentials and the default endpoint come from the SDK's own environment variables
 * (`AWS_ENDPOINT_URL_SQS`). Requests time out after 10 s, with three attempts in all, so a receive may use long
 * polling of at most 5 s.
 */
export function createSqsClient(options: Pick<SQSClientConfig, 'endpoint'> = {}): SQSClient {
  return new SQSClient({
    ...options,
    // A queue's URL only names it. Requests go to the endpoint.
    useQueueUrlAsEndpoint: false,
    requestHandler,
  });
}

/** An SNS client with the same settings (`AWS_ENDPOINT_URL_SNS`). */
export function createSnsClient(options: Pick<SNSClientConfig, 'endpoint'> = {}): SNSClient {
  return new SNSClient({ ...options, requestHandler });
}

/** Looks up the URL of a queue and caches it. Throws when the queue does not exist or SQS is unavailable. */
export type QueueUrls = (queue: QueueName) => Promise<string>;

export function createQueueUrls(sqs: SQSClient, prefix: string): QueueUrls {
  return cached((queue) => findQueue(sqs, prefix, queue));
}

/** The URL of a queue's dead-letter queue, by the name of the queue. */
export function createDeadLetterUrls(sqs: SQSClient, prefix: string): QueueUrls {
  return cached((queue) => urlOf(sqs, deadLetterName(prefix, queue)));
}

/** Looks up the URL of a queue, uncached: also a readiness check. Throws like `QueueUrls`. */
export function findQueue(sqs: SQSClient, prefix: string, queue: QueueName): Promise<string> {
  return urlOf(sqs, brokerName(prefix, queue));
}

function cached(find: QueueUrls): QueueUrls {
  const known = new Map<QueueName, string>();
  return async (queue) => {
    const url = known.get(queue) ?? (await find(queue));
    known.set(queue, url);
    return url;
  };
}

async function urlOf(sqs: SQSClient, name: string): Promise<string> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
  if (QueueUrl === undefined) throw new Error(`SQS returned no URL for queue ${name}`);
  return QueueUrl;
}
