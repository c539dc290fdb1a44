import type { Readable } from 'node:stream';
import { PartySnapshot } from '@queue-manager/contracts/events';
import { getSnapshot, SnapshotHead } from '@queue-manager/contracts/internal';
import { type InternalClient, UpstreamError } from '@queue-manager/service-kit/internal-client';
import { isOutage, Problem } from '@queue-manager/service-kit/problems';
import type { z } from 'zod';
import { nextTurn } from './own-tick.ts';

/** A queue service that sends nothing for this long counts as away. */
const silenceMsMax = 5_000;
/**
 * Parties that are taken at once: about a millisecond's work here, and as much for Redis. A line may be of any
 * length, and whoever reads another one waits for no more than a few of these.
 */
export const pieceSize = 100;

export type Snapshot = {
  head: SnapshotHead;
  /** The parties waiting and called, as many as the head says; each piece in a turn of its own. */
  pieces: AsyncGenerator<PartySnapshot[]>;
};

/**
 * The line as the queue service knows it at this moment; null when there is no such queue. It, and what reads its
 * pieces, throws an outage when the queue service is away, and an `UpstreamError` when what comes is not what the
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
  return { head, pieces: piecesOf(others, batches, head.parties) };
}

async function* piecesOf(
  first: string[],
  others: AsyncGenerator<string[]>,
  announced: number,
): AsyncGenerator<PartySnapshot[]> {
  const toParse = first;
  let parties = 0;
  async function* pieces(leaveMax: number) {
    while (toParse.length > leaveMax) {
      await nextTurn();
      const piece = toParse.splice(0, pieceSize).map((line) => parse(PartySnapshot, line));
      parties += piece.length;
      yield piece;
    }
  }
  for await (const lines of others) {
    for (const line of lines) toParse.push(line);
    yield* pieces(pieceSize - 1);
  }
  if (parties + toParse.length !== announced) throw endedEarly();
  yield* pieces(0);
}

const endedEarly = () => new UpstreamError('The snapshot ended early');

function parse<T>(schema: z.ZodType<T>, line: string): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch (error) {
    throw new UpstreamError('The snapshot is not what its contract says', { cause: error });
  }
}

/**
 * The lines of a stream of text, as many at a time as come; ends the stream when nothing comes for too long. How long
 * whoever takes them is at work does not count.
 */
async function* batchesOf(stream: Readable): AsyncGenerator<string[]> {
  const onSilence = () => stream.destroy(new UpstreamError('The snapshot stopped coming'));
  let silence = setTimeout(onSilence, silenceMsMax);
  let rest = '';
  try {
    stream.setEncoding('utf8');
    for await (const text of stream) {
      clearTimeout(silence);
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      if (lines.length > 0) yield lines;
      silence = setTimeout(onSilence, silenceMsMax);
    }
    if (rest !== '') yield [rest];
  } catch (error) {
    if (isOutage(error)) throw error;
    throw new UpstreamError('The snapshot could not be read', { cause: error });
  } finally {
    clearTimeout(silence);
  }
}
