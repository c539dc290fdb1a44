import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';

/** Keeps the longest id, of about 4 KB, within what proxies accept in a header. */
export const queuesOfIdMax = 150;
const format = '1';

/** Where a stream of a venue resumes: the last event received, by queue. */
export type ResumePoint = {
  seqs: ReadonlyMap<string, number>;
  /** Whether the id had no room for all queues, so that a queue that it lacks need not be new. */
  isFull: boolean;
};

const shorten = (uuid: string) => uuidToBytes(uuid).toString('base64url');

/** What stands for a queue and its last event in an id. */
export function queueInId(queueId: string, seq: number): string {
  return `${shorten(queueId)}${seq.toString(36)}`;
}

/**
 * The id of an event: format, venue, and the last event of each queue (`queueInId`) in the order of the latest change.
 * If there are too many queues, those that have not changed for longest are left out.
 */
export function venueEventId(venueId: string, queues: readonly string[]): string {
  return [format, shorten(venueId), ...queues.slice(-queuesOfIdMax)].join('.');
}

/** Null if the client names no event, or not one of this venue. */
export function readVenueEventId(
  venueId: string,
  id: string | string[] | undefined,
): ResumePoint | null {
  if (typeof id !== 'string') return null;
  const [version, venue, ...queues] = id.split('.');
  if (version !== format || venue !== shorten(venueId)) return null;
  if (queues.length > queuesOfIdMax) return null;
  const seqs = new Map<string, number>();
  for (const queue of queues) {
    const [, short, digits] = /^([\w-]{22})([0-9a-z]{1,10})$/.exec(queue) ?? [];
    if (short === undefined || digits === undefined) return null;
    seqs.set(bytesToUuid(Buffer.from(short, 'base64url')), Number.parseInt(digits, 36));
  }
  return { seqs, isFull: seqs.size >= queuesOfIdMax };
}
