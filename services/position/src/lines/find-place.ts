import { getPartySnapshot } from '@queue-manager/contracts/internal';
import { isInLine } from '@queue-manager/contracts/party-moves';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import { problems } from '@queue-manager/service-kit/problems';
import type { TicketSubject } from '@queue-manager/service-kit/tickets';
import type { Line, PlaceInLine } from '../projection/projection.ts';
import type { Lines } from './lines.ts';

/** A party may leave or return between the two reads; after this many attempts the caller must retry. */
const attemptsMax = 5;

export type FoundPlace = PlaceInLine & Pick<Line, 'waiting' | 'modelSeq' | 'seq'>;

/**
 * Finds a party's place: one round trip to Redis if the projection knows the party. Otherwise the queue service is
 * asked for the party; if it is still in the line, the projection is brought up to date and read again. Throws
 * `not-found` only when the queue service knows no such party.
 */
export async function findPlace(
  { lines, queueService }: { lines: Lines; queueService: InternalClient },
  { queueId, partyId }: TicketSubject,
): Promise<FoundPlace> {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const line = await lines.places(queueId, [partyId]);
    const place = line?.places[0] ?? null;
    if (line !== null && place !== null) return { ...line, ...place };

    const party = await queueService.find(getPartySnapshot, { params: { queueId, partyId } });
    if (party === null) throw problems.notFound();
    if (!isInLine(party.state) && party.seq <= (line?.seq ?? party.seq)) {
      if (line !== null) await lines.rememberEnded(queueId, party, line.seq);
      return {
        state: party.state,
        ahead: null,
        lane: null,
        size: null,
        waiting: line?.waiting ?? 0,
        modelSeq: null,
        seq: line?.seq ?? party.seq,
      };
    }
    if (!(await lines.catchUp(queueId, party.seq))) throw problems.notFound();
  }
  throw problems.unavailable({
    detail: 'The line is changing too fast to read. Try again.',
    retryAfterSeconds: 1,
  });
}
