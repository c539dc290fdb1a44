import { modelName } from '../model/model.ts';

/** What the keys hold. A change of it takes the next number, and every line is rebuilt under new keys. */
const format = 2;

export const dayMs = 24 * 60 * 60 * 1_000;

const keyOf = (queueId: string, part: string) =>
  `line:${format}:{${queueId.toLowerCase()}}:${part}`;

/** The keys of a line, in the order of `lua/line.lua`, all in one slot of a cluster. */
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
 * Where the meta of a line keeps what its estimates have learned: the model, the last event it has seen, and the
 * one up to which the queue service keeps it too. Under the model's name, so that two versions of this service
 * may run side by side.
 */
export const modelFields = {
  state: `model:${modelName}`,
  seq: `modelSeq:${modelName}`,
  keptSeq: `modelKept:${modelName}`,
} as const;

/** Held by the process that rebuilds the line. */
export function lockKey(queueId: string): string {
  return keyOf(queueId, 'lock');
}

/** While it is there a line counts as compared with the truth. */
export function comparedKey(queueId: string, kind: 'checksum' | 'whole'): string {
  return keyOf(queueId, `compared:${kind}`);
}

/** Where the scripts that change the line say what they did; what the messages hold stands in `lua/change.lua`. */
export function changesChannel(queueId: string): string {
  return keyOf(queueId, 'changes');
}

/** The live streams of a party, and the processes that hold streams of the line. */
export function streamKeys(queueId: string, partyId: string): [ofParty: string, holders: string] {
  return [keyOf(queueId, `streams:${partyId.toLowerCase()}`), streamHoldersKey(queueId)];
}

export function streamHoldersKey(queueId: string): string {
  return keyOf(queueId, 'streams');
}

/** Which of the processes that hold streams of the line have answered a question. */
export function streamAnswersKey(queueId: string, question: string): string {
  return keyOf(queueId, `streams:answers:${question}`);
}

export type SnapshotKeys = { line: string; parties: string; called: string };

/** Where one rebuild writes before its snapshot is put in place; `token` keeps it from meeting another. */
export function snapshotKeys(queueId: string, token: string): SnapshotKeys {
  const part = (name: string) => keyOf(queueId, `snapshot:${token}:${name}`);
  return { line: part('line'), parties: part('parties'), called: part('called') };
}
