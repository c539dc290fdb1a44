import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';

/** What follows a request through the system, beside the event: for logs and traces alone. */
export type Carried = {
  requestId?: string | undefined;
  /** W3C Trace Context. */
  traceparent?: string | undefined;
};

/** As services take it from a caller; anything else is not carried, so that a log line stays what it is. */
const forms = {
  requestId: /^[A-Za-z0-9._-]{1,64}$/,
  traceparent: /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/,
} as const;

/** The message attributes that carry it. */
export function carriedAttributes(carried: Carried = {}): Record<string, MessageAttributeValue> {
  return Object.fromEntries(
    wellFormed((name) => carried[name]).map(([name, value]) => [
      name,
      { DataType: 'String', StringValue: value },
    ]),
  );
}

/** What a message carries, as far as it is well-formed. */
export function carriedBy({ MessageAttributes = {} }: Message): Carried {
  return Object.fromEntries(wellFormed((name) => MessageAttributes[name]?.StringValue));
}

function wellFormed(
  given: (name: keyof typeof forms) => string | undefined,
): [keyof typeof forms, string][] {
  const found: [keyof typeof forms, string][] = [];
  for (const name of Object.keys(forms) as (keyof typeof forms)[]) {
    const value = given(name);
    if (value !== undefined && forms[name].test(value)) found.push([name, value]);
  }
  return found;
}
