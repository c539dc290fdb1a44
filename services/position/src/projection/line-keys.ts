import { dayMs } from '@queue-manager/service-kit/durations';
import { modelName } from '../model/model.ts';

/** Version of the keys' format. Increment it on a change: every projection is then rebuilt under new keys. */
const format = 3;

const keyOf = (queueId: string, part: string) =>
  `line:${format}:{${queueId.toLowerCase()}}:${part}`;

/** The keys of a projection, in the order of `lua/line.lua`, all in one cluster slot. */
export function lineKeys(queueId: string, now: Date): string[] {
  const day = Math.floor(now.getTime() / dayMs);
  const parts = [
    'meta',
    'line',
    'parties',
    'called',
    'pending',
    `ended:${day}`,
    `ended:${day - 1}`,
  ];
  return parts.map((part) => keyOf(queueId, part));
}

/**
 * Fields of a projection's meta that hold its model: the model itself, the last event it has learned from, and the
 * last event that the queue service's copy has learned from. Named after the model, so that two versions of this
 * service can run side by side.
 */
export const modelFields = {
  state: `model:${modelName}`,
  seq: `modelSeq:${modelName}`,
  keptSeq: `modelKept:${modelName}`,
} as const;

/** The lease of the process that rebuilds the projection. */
export function lockKey(queueId: string): string {
  return keyOf(queueId, 'lock');
}

/** Exists while the last comparison with MySQL is recent enough. */
export function comparedKey(queueId: string, kind: 'checksum' | 'whole'): string {
  return keyOf(queueId, `compared:${kind}`);
}

/** Channel on which the scripts publish changes; `lua/change.lua` documents the messages. */
export function changesChannel(queueId: string): string {
  return keyOf(queueId, 'changes');
}

/** Channel on which changes of a venue are announced: the id of the queue, or nothing for its occupancy. */
export function venueChannel(venueId: string): string {
  return `venue:{${venueId.toLowerCase()}}:changes`;
}

/** The live streams of a party, and the processes that hold streams of the queue. */
export function streamKeys(queueId: string, partyId: string): [ofParty: string, holders: string] {
  return [keyOf(queueId, `streams:${partyId.toLowerCase()}`), streamHoldersKey(queueId)];
}

export function streamHoldersKey(queueId: string): string {
  return keyOf(queueId, 'streams');
}

/** The stream-holding processes that have answered a question. */
export function streamAnswersKey(queueId: string, question: string): string {
  return keyOf(queueId, `streams:answers:${question}`);
}

export type SnapshotKeys = { line: string; parties: string; called: string };

/** Keys that one rebuild writes before it installs its snapshot; `token` is unique to the rebuild. */
export function snapshotKeys(queueId: string, token: string): SnapshotKeys {
  const part = (name: string) => keyOf(queueId, `snapshot:${token}:${name}`);
  return { line: part('line'), parties: part('parties'), called: part('called') };
}
