import { type Event, eventSchema, isEventType } from '@queue-manager/contracts/events';
import { isUuid } from '@queue-manager/service-kit/ids';

/** A message that is not a valid event. Its text says why, without quoting the message. */
export class BadMessage extends Error {
  override readonly name = 'BadMessage';

  /** @param fault a predicate such as `is not JSON`. */
  constructor(fault: string) {
    super(`The message ${fault}`);
  }
}

/** Loggable fields of a message: ids and type of its event, where they are well-formed. */
export type EventLabel = { eventId?: string; type?: string; subject?: string };

/** The label of a message, whatever its body. Never throws. */
export function labelOf(body: string | undefined): EventLabel {
  try {
    const { id, type, subject } = JSON.parse(body ?? '') as Record<string, unknown>;
    return {
      ...(isUuid(id) ? { eventId: id as string } : {}),
      ...(isEventType(type) ? { type } : {}),
      ...(isUuid(subject) ? { subject: subject as string } : {}),
    };
  } catch {
    return {};
  }
}

/** Parses and validates the event of a message. Throws `BadMessage` when there is none. */
export function readEvent(body: string | undefined): Event {
  const json = parseJson(body ?? '');
  const type = (json as { type?: unknown } | null)?.type;
  if (!isEventType(type)) throw new BadMessage('has an unknown event type');
  const parsed = eventSchema(type).safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.code}`);
  throw new BadMessage(`violates its contract: ${faults.join(', ')}`);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The parser's error would quote the body.
    throw new BadMessage('is not JSON');
  }
}
