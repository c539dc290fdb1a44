import { getPosition } from '@queue-manager/contracts/positions';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { TicketSubject } from '@queue-manager/service-kit/tickets';
import type { Deps } from './deps.ts';
import { positionOf } from './position-of.ts';
import { isInLine, type Line, type PlaceInLine } from './projection.ts';

/** A party may leave or come back while it is looked for; after this many turns its guest asks again. */
const attemptsMax = 5;

export const getPositionOfTicket = (deps: Deps) =>
  route(getPosition, async ({ params }) => {
    const subject = deps.tickets.read(params.ticket);
    if (subject === null) throw problems.notFound();
    const found = await find(deps, subject);
    const model = await deps.estimates.of(subject.queueId, found);
    return positionOf(found, model, deps.clock.now());
  });

export type Found = PlaceInLine & Pick<Line, 'waiting' | 'modelSeq' | 'seq'>;

/**
 * One round trip to Redis where it knows the party. Where it does not, the queue service says what became of
 * it, and a party that should be in the line has the line rebuilt: only the queue service can say 404.
 */
export async function find(
  { lines, findParty }: Pick<Deps, 'lines' | 'findParty'>,
  subject: TicketSubject,
): Promise<Found> {
  const { queueId, partyId } = subject;
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const line = await lines.places(queueId, [partyId]);
    const place = line?.places[0] ?? null;
    if (line !== null && place !== null) return { ...line, ...place };

    const party = await findParty(queueId, partyId);
    if (party === null) throw problems.notFound();
    if (!isInLine(party.state) && party.seq <= (line?.seq ?? party.seq)) {
      if (line !== null) await lines.rememberEnded(queueId, party, line.seq);
      return {
        state: party.state,
        ahead: null,
        lane: null,
        waiting: line?.waiting ?? 0,
        modelSeq: null,
        seq: line?.seq ?? party.seq,
      };
    }
    if (!(await lines.catchUp(queueId, party.seq))) throw problems.notFound();
  }
  throw problems.unavailable({
    detail: 'The line is changing too fast to read. Please try again.',
    retryAfterSeconds: 1,
  });
}
