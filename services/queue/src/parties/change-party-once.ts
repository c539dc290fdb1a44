import type { GuestParty } from '@queue-manager/contracts/guests';
import type { Party } from '@queue-manager/contracts/parties';
import { changesOccupancy, type PartyMove } from '@queue-manager/contracts/party-moves';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { isProblem, problems } from '@queue-manager/service-kit/problems';
import { idempotent } from '../access/idempotent.ts';
import { partyFor } from '../access/membership.ts';
import type { TicketParty } from '../access/ticket-party.ts';
import { type IdempotentRequest, once } from '../db/idempotency.ts';
import type { PartyRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { type Line, lockLine } from '../line/line.ts';
import { type PartyRecord, partyRecord } from '../line/snapshots.ts';
import { guestView, staffView } from './party-view.ts';

/** Changes one party of a locked line, once per idempotency key. */
export async function changePartyOnce(
  deps: Deps,
  request: IdempotentRequest,
  queueId: Buffer,
  change: (line: Line) => Promise<PartyRow>,
  options: { occupancyOf?: Buffer | undefined } = {},
): Promise<PartyRecord> {
  const { result, events } = await deps.lines.run(bytesToUuid(queueId), () =>
    once(deps, request, async (trx) => {
      const line = await lockLine(deps, trx, queueId, options);
      const party = await change(line);
      return { result: partyRecord(party), events: await line.write() };
    }),
  );
  await deps.feed.committed(events);
  return result;
}

/** A POST of staff that moves one party by the table of moves; `after` runs in the same transaction
 * once the party has moved, and may change it again. */
export async function movePartyOnce(
  deps: Deps,
  contract: { operationId: string },
  request: {
    params: { partyId: string };
    claims: { sub: string };
    body: {
      reason?: string | undefined;
      override?: boolean | undefined;
      seq?: number | undefined;
    };
    idempotencyKey: string | null;
  },
  move: PartyMove,
  after = async (_line: Line, moved: PartyRow) => moved,
): Promise<Party> {
  const { params, claims, body } = request;
  const { reason, override, seq } = body;
  const least = override ? 'manager' : 'host';
  const { party, venue } = await partyFor(deps.db, params.partyId, claims.sub, least);
  const record = await changePartyOnce(
    deps,
    idempotent(contract, request, party.id),
    party.queue_id,
    async (line) =>
      after(
        line,
        await line.move(
          await line.party(party.id, seq),
          move,
          { kind: 'staff', userId: claims.sub },
          { reason, override },
        ),
      ),
    { occupancyOf: changesOccupancy(move) ? venue.id : undefined },
  );
  return staffView(deps, record);
}

/** A guest's POST that changes its own party. */
export async function changeOwnPartyOnce(
  deps: Deps,
  { operationId }: { operationId: string },
  { body, idempotencyKey }: { body: unknown; idempotencyKey: string | null },
  own: TicketParty,
  change: (line: Line) => Promise<PartyRow>,
): Promise<GuestParty> {
  const { party } = own;
  const caller = bytesToUuid(party.id);
  const request = { key: idempotencyKey, caller, operationId, target: party.id, body };
  const record = await changePartyOnce(deps, request, party.queue_id, change).catch(refuseDeleted);
  return guestView(deps, record, own);
}

/** A ticket outlives its queue, so a deleted queue is a refused move, not an unknown ticket. */
function refuseDeleted(error: unknown): never {
  if (!isProblem(error, 'not-found')) throw error;
  throw problems.invalidTransition({ detail: 'The queue has been deleted.' });
}
