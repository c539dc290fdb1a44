import { SNSClient, type SNSClientConfig } from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { brokerName, deadLetterName, type QueueName } from './topology.ts';

const requestHandler = {
  connectionTimeout: 2_000,
  requestTimeout: 10_000,
  throwOnRequestTimeout: true,
};

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
    requestHandler,
  });
}

/** An SNS client, under the same rules (`AWS_ENDPOINT_URL_SNS`). */
export function createSnsClient(options: Pick<SNSClientConfig, 'endpoint'> = {}): SNSClient {
  return new SNSClient({ ...options, requestHandler });
}

/** Finds the URL of a queue, once. Throws what SQS throws when the queue or SQS is not there. */
export type QueueUrls = (queue: QueueName) => Promise<string>;

export function createQueueUrls(sqs: SQSClient, prefix: string): QueueUrls {
  return remembered((queue) => findQueue(sqs, prefix, queue));
}

/** The same of the dead-letter queues: takes the name of the queue that one belongs to. */
export function createDeadLetterUrls(sqs: SQSClient, prefix: string): QueueUrls {
  return remembered((queue) => urlOf(sqs, deadLetterName(prefix, queue)));
}

/** Asks SQS for a queue, as a readiness check does. Throws when the queue or SQS is not there. */
export function findQueue(sqs: SQSClient, prefix: string, queue: QueueName): Promise<string> {
  return urlOf(sqs, brokerName(prefix, queue));
}

function remembered(find: QueueUrls): QueueUrls {
  const known = new Map<QueueName, string>();
  return async (queue) => {
    const url = known.get(queue) ?? (await find(queue));
    known.set(queue, url);
    return url;
  };
}

async function urlOf(sqs: SQSClient, name: string): Promise<string> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
  if (QueueUrl === undefined) throw new Error(`SQS named no URL for queue ${name}`);
  return QueueUrl;
}
