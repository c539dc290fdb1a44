import type { Readable } from 'node:stream';
import { PartySnapshot } from '@queue-manager/contracts/events';
import { getSnapshot, SnapshotHead } from '@queue-manager/contracts/internal';
import { type InternalClient, UpstreamError } from '@queue-manager/service-kit/internal-client';
import { isOutage, Problem } from '@queue-manager/service-kit/problems';
import type { z } from 'zod';

/** A queue service that sends nothing for this long counts as away. */
const silenceMsMax = 5_000;
const chunkSize = 1_000;

export type Snapshot = {
  head: SnapshotHead;
  /** The parties waiting and called, as many as the head says. */
  chunks: AsyncGenerator<PartySnapshot[]>;
};

/**
 * The line as the queue service knows it at this moment; null when there is no such queue. It, and what reads its
 * chunks, throws an outage when the queue service is away, and an `UpstreamError` when what comes is not what the
 * contract says.
 */
export async function readSnapshot(
  queueService: InternalClient,
  queueId: string,
): Promise<Snapshot | null> {
  let stream: Readable;
  try {
    stream = await queueService.call(getSnapshot, { params: { queueId }, timeoutMs: silenceMsMax });
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found') return null;
    throw error;
  }
  const batches = batchesOf(stream);
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
  let chunk = first.map((line) => parse(PartySnapshot, line));
  let parties = chunk.length;
  for await (const lines of others) {
    if (chunk.length >= chunkSize) {
      yield chunk;
      chunk = [];
    }
    for (const line of lines) chunk.push(parse(PartySnapshot, line));
    parties += lines.length;
  }
  if (parties !== announced) throw endedEarly();
  if (chunk.length > 0) yield chunk;
}

const endedEarly = () => new UpstreamError('The snapshot ended early');

function parse<T>(schema: z.ZodType<T>, line: string): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch (error) {
    throw new UpstreamError('The snapshot is not what its contract says', { cause: error });
  }
}

/** The lines of a stream of text, as many at a time as come; ends the stream when nothing comes for too long. */
async function* batchesOf(stream: Readable): AsyncGenerator<string[]> {
  const onSilence = () => stream.destroy(new UpstreamError('The snapshot stopped coming'));
  const silence = setTimeout(onSilence, silenceMsMax);
  let rest = '';
  try {
    stream.setEncoding('utf8');
    for await (const text of stream) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      if (lines.length > 0) yield lines;
      silence.refresh();
    }
    if (rest !== '') yield [rest];
  } catch (error) {
    if (isOutage(error)) throw error;
    throw new UpstreamError('The snapshot could not be read', { cause: error });
  } finally {
    clearTimeout(silence);
  }
}
