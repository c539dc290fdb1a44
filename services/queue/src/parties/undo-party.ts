import { undoParty as contract } from '@queue-manager/contracts/parties';
import { isInLine } from '@queue-manager/contracts/party-moves';
import { limits } from '@queue-manager/contracts/values';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { idempotent } from '../access/idempotent.ts';
import { partyFor } from '../access/membership.ts';
import type { Database } from '../db/database.ts';
import type { EventTable, PartyRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { markReturned } from '../join/mark-duplicates.ts';
import type { Undoable } from '../line/line.ts';
import type { Undo } from '../line/undo.ts';
import { changePartyOnce } from './change-party-once.ts';
import { putPersonBack } from './old-persons.ts';
import { staffView } from './party-view.ts';

export const undoParty = (deps: Deps) =>
  route(contract, async (request) => {
    const { params, body, claims } = request;
    const { party, venue } = await partyFor(deps.db, params.partyId, claims.sub, 'host');
    // Events never change, so this one is read before the lock.
    const event = await eventOf(deps.db, party, body.seq);
    const record = await changePartyOnce(
      deps,
      idempotent(contract, request, party.id),
      party.queue_id,
      async (line) => {
        await line.party(party.id, body.seq);
        const undone = undoable(event, line.now);
        if (undone.type === 'party.changed') await putPersonBack(line, party.id, body.seq);
        // Read after that: whether there is an address to mail to may have changed.
        const present = await line.party(party.id);
        const before = await line.takeBack(present, undone, { kind: 'staff', userId: claims.sub });
        const isBack = isInLine(before.state) && !isInLine(present.state);
        return isBack ? markReturned(line, before) : before;
      },
      { occupancyOf: event?.undo?.people === undefined ? undefined : venue.id },
    );
    return staffView(deps, record);
  });

type Change = Pick<EventTable, 'seq' | 'type' | 'time'> & { undo: Undo | null };

async function eventOf(db: Database, party: PartyRow, seq: number): Promise<Change | undefined> {
  const event = await db
    .selectFrom('events')
    .select(['seq', 'type', 'time', 'overwritten'])
    .where('queue_id', '=', party.queue_id)
    .where('seq', '=', seq)
    .where('party_id', '=', party.id)
    .executeTakeFirst();
  if (event === undefined) return undefined;
  const { overwritten, ...change } = event;
  return { ...change, undo: overwritten === null ? null : (JSON.parse(overwritten) as Undo) };
}

/** The event, if it can be taken back now. */
function undoable(event: Change | undefined, now: Date): Undoable {
  if (event === undefined) throw new Error('The party has no such event');
  const { seq, type, time, undo } = event;
  if (undo === null) {
    const detail =
      type === 'party.undone'
        ? 'This was taken back already.'
        : 'Only what staff did can be taken back.';
    throw problems.cannotUndo({ detail });
  }
  if (now.getTime() - time.getTime() > limits.undoSeconds * 1_000) {
    throw problems.cannotUndo({
      detail: `A change can be taken back for ${limits.undoSeconds} seconds.`,
    });
  }
  return { seq, type, undo };
}
