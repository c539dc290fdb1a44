import { limits } from '@queue-manager/contracts/values';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { Updateable } from 'kysely';
import type { Database } from '../db/database.ts';
import { sweepUntil } from '../db/sweep-until.ts';
import type { PersonalTable } from '../db/tables.ts';
import type { Line } from '../line/line.ts';

/*
 * What staff overwrote in the personal data of parties. Kept for the minute in which it can be taken back, apart from the
 * events, which are kept for ever and hold no personal data.
 */

/** The columns of a person before a change. */
export type OldPerson = Updateable<PersonalTable>;

/** Keeps what the event `seq` has overwritten. */
export async function keepOldPerson(line: Line, seq: number, person: OldPerson): Promise<void> {
  await line.trx
    .insertInto('old_persons')
    .values({
      queue_id: line.queue.id,
      seq,
      person: JSON.stringify(person),
      changed_at: line.now,
    })
    .execute();
}

/** Puts back what the event `seq` has overwritten. Erased data stays erased. */
export async function putPersonBack(line: Line, partyId: Buffer, seq: number): Promise<void> {
  const { trx, queue } = line;
  const old = await trx
    .selectFrom('old_persons')
    .select('person')
    .where('queue_id', '=', queue.id)
    .where('seq', '=', seq)
    .executeTakeFirst();
  if (old === undefined) return;
  await trx
    .updateTable('personal')
    .set(JSON.parse(old.person) as OldPerson)
    .where('queue_id', '=', queue.id)
    .where('party_id', '=', partyId)
    .execute();
  await trx
    .deleteFrom('old_persons')
    .where('queue_id', '=', queue.id)
    .where('seq', '=', seq)
    .execute();
}

/** Deletes a batch of what cannot be taken back any more; returns how many. */
export function sweepOldPersons({ db, clock }: { db: Database; clock: Clock }) {
  // A request that was in time may still be on its way.
  const until = new Date(clock.now().getTime() - 2 * limits.undoSeconds * 1_000);
  return sweepUntil(db, 'old_persons', 'changed_at', until);
}
