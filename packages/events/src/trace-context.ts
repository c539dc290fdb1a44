import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import { type RequestContext, wellFormedContext } from '@queue-manager/service-kit/request-context';

/** The message attributes that carry a trace context. */
export function contextAttributes(
  context: RequestContext = {},
): Record<string, MessageAttributeValue> {
  return Object.fromEntries(
    Object.entries(wellFormedContext(context)).map(([name, value]) => [
      name,
      { DataType: 'String', StringValue: value },
    ]),
  );
}

/** The trace context that a message carries. */
export function contextOf({ MessageAttributes = {} }: Message): RequestContext {
  const { requestId, traceparent } = MessageAttributes;
  return wellFormedContext({
    requestId: requestId?.StringValue,
    traceparent: traceparent?.StringValue,
  });
}
