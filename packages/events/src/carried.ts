import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import { type RequestContext, wellFormedContext } from '@queue-manager/service-kit/request-context';

/** The message attributes that carry a context, as far as it is well-formed. */
export function carriedAttributes(
  carried: RequestContext = {},
): Record<string, MessageAttributeValue> {
  return Object.fromEntries(
    Object.entries(wellFormedContext(carried)).map(([name, value]) => [
      name,
      { DataType: 'String', StringValue: value },
    ]),
  );
}

/** What a message carries, as far as it is well-formed. */
export function carriedBy({ MessageAttributes = {} }: Message): RequestContext {
  const { requestId, traceparent } = MessageAttributes;
  return wellFormedContext({
    requestId: requestId?.StringValue,
    traceparent: traceparent?.StringValue,
  });
}
