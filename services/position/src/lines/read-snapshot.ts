import type { Readable } from 'node:stream';
import { PartySnapshot } from '@queue-manager/contracts/events';
import { getSnapshot, SnapshotHead } from '@queue-manager/contracts/internal';
import { type InternalClient, UpstreamError } from '@queue-manager/service-kit/internal-client';
import { isOutage } from '@queue-manager/service-kit/problems';
import type { z } from 'zod';
import { ownTick } from './own-tick.ts';

/** A queue service that sends nothing for this long counts as unavailable. */
const silenceMsMax = 5_000;
/**
 * Parties per chunk: about 1 ms of work here and 1 ms in Redis. Lines may be of any length, and reads of other queues
 * must not wait for more than a few chunks.
 */
export const chunkSize = 100;

export type Snapshot = {
  head: SnapshotHead;
  /** The parties waiting and called, as many as the head announces; one chunk per tick. */
  chunks: AsyncGenerator<PartySnapshot[]>;
};

/**
 * Reads the current snapshot of a queue; null if the queue does not exist. This call and the iteration of its chunks
 * throw an outage if the queue service is unavailable, and an `UpstreamError` if the answer breaks the contract.
 */
export async function readSnapshot(
  queueService: InternalClient,
  queueId: string,
): Promise<Snapshot | null> {
  const options = { params: { queueId }, timeoutMs: silenceMsMax };
  const stream = await queueService.find(getSnapshot, options);
  if (stream === null) return null;
  const batches = textLines(stream);
  const { value: lines = [] } = await batches.next();
  const [first, ...others] = lines;
  if (first === undefined) throw endedEarly();
  const head = parse(SnapshotHead, first);
  return { head, chunks: chunksOf(others, batches, head.parties) };
}

async function* chunksOf(
  first: string[],
  others: AsyncGenerator<string[]>,
  announced: number,
): AsyncGenerator<PartySnapshot[]> {
  const toParse = first;
  let parties = 0;
  async function* chunks(leaveMax: number) {
    while (toParse.length > leaveMax) {
      await ownTick();
      const chunk = toParse.splice(0, chunkSize).map((line) => parse(PartySnapshot, line));
      parties += chunk.length;
      yield chunk;
    }
  }
  for await (const lines of others) {
    for (const line of lines) toParse.push(line);
    yield* chunks(chunkSize - 1);
  }
  if (parties + toParse.length !== announced) throw endedEarly();
  yield* chunks(0);
}

const endedEarly = () => new UpstreamError('The snapshot ended early');

function parse<T>(schema: z.ZodType<T>, line: string): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch (error) {
    throw new UpstreamError('The snapshot breaks its contract', { cause: error });
  }
}

/**
 * The lines of a text stream, in batches as they arrive. Destroys the stream after too long a silence; the time that
 * the consumer takes does not count.
 */
async function* textLines(stream: Readable): AsyncGenerator<string[]> {
  const onSilence = () => stream.destroy(new UpstreamError('The snapshot stopped coming'));
  let silence = setTimeout(onSilence, silenceMsMax);
  let partial = '';
  try {
    stream.setEncoding('utf8');
    for await (const text of stream) {
      clearTimeout(silence);
      const lines = (partial + text).split('\n');
      partial = lines.pop() as string;
      if (lines.length > 0) yield lines;
      silence = setTimeout(onSilence, silenceMsMax);
    }
    if (partial !== '') yield [partial];
  } catch (error) {
    if (isOutage(error)) throw error;
    throw new UpstreamError('The snapshot could not be read', { cause: error });
  } finally {
    clearTimeout(silence);
  }
}
