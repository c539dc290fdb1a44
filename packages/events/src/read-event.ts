import { type Event, eventSchema, isEventType } from '@queue-manager/contracts/events';
import { isUuid } from '@queue-manager/service-kit/ids';

/** A message that is no event of ours. Says what is wrong with it, but nothing of what it holds. */
export class BadMessage extends Error {
  override readonly name = 'BadMessage';

  /** @param fault what is wrong with it, as `is not JSON`. */
  constructor(fault: string) {
    super(`The message ${fault}`);
  }
}

/** What a log may say of a message: its event's ids and type, where they can be read and are well-formed. */
export type EventLabel = { eventId?: string; type?: string; subject?: string };

/** Names a message for a log, whatever it holds. Never throws. */
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

/** Reads a message's body as an event by its contract. Throws `BadMessage` when it is none. */
export function readEvent(body: string | undefined): Event {
  const written = parseJson(body ?? '');
  const type = (written as { type?: unknown } | null)?.type;
  if (!isEventType(type)) throw new BadMessage('is of no known type');
  const parsed = eventSchema(type).safeParse(written);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.code}`);
  throw new BadMessage(`does not keep its contract: ${faults.join(', ')}`);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The parser's own error quotes the body.
    throw new BadMessage('is not JSON');
  }
}
