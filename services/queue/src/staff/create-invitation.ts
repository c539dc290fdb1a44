import { createInvitation as contract, type Invitation } from '@queue-manager/contracts/members';
import { limits, normaliseEmail } from '@queue-manager/contracts/values';
import { dayMs } from '@queue-manager/service-kit/durations';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { lockAccount } from '../access/accounts.ts';
import { idempotent } from '../access/idempotent.ts';
import { lockVenue } from '../access/lock-venue.ts';
import { venueFor } from '../access/membership.ts';
import type { DatabaseTransaction } from '../db/database.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';
import { newTask } from '../line/new-task.ts';
import { countSend } from './invitation-sends.ts';
import { type InvitationRow, invitationView, requireGrantable } from './invitations.ts';

const lifeMs = limits.invitationDays * dayMs;

/** Never looks up whether the address has an account, so neither the response nor its timing reveals it. */
export const createInvitation = (deps: Deps) =>
  route(contract, async function createInvitation(request) {
    const { params, body, claims } = request;
    const venue = await venueFor(deps.db, params.venueId, claims.sub, 'manager');
    requireGrantable(venue.role, body.role);
    const caller = uuidToBytes(claims.sub);
    const { result } = await once(deps, idempotent(contract, request, venue.id), async (trx) => {
      await lockAccount(trx, caller);
      await lockVenue(trx, venue.id);
      // Checked again under the lock: the caller's role may have changed.
      const { role } = await venueFor(trx, params.venueId, claims.sub, 'manager');
      requireGrantable(role, body.role);
      const now = deps.clock.now();
      const invitation = {
        venue_id: venue.id,
        id: uuidToBytes(newId(deps.clock)),
        email: body.email,
        email_key: normaliseEmail(body.email),
        role: body.role,
        invited_by: caller,
        created_at: now,
        expires_at: new Date(now.getTime() + lifeMs),
      };
      const earlier = await findEarlier(trx, invitation);
      if (earlier !== undefined) {
        if (earlier.expires_at > now) requireGrantable(role, earlier.role);
        await trx.deleteFrom('invitations').where('id', '=', earlier.id).execute();
      }
      await requireRoom(trx, venue.id, now);
      await countSend(trx, { user_id: caller, id: invitation.id, sent_at: now });
      await trx.insertInto('invitations').values(invitation).execute();
      // Without the e-mail: stored answers must hold no personal data.
      const { email: _, ...result } = invitationView(invitation);
      const payload = { invitationId: result.id };
      const task = newTask(deps.clock, now, {
        venue_id: venue.id,
        kind: 'notify.invitation',
        payload,
      });
      await trx.insertInto('tasks').values(task).execute();
      return { result, events: [] };
    });
    deps.wakeDispatcher();
    return { ...result, email: body.email } satisfies Invitation;
  });

/** The venue's earlier invitation to the same address, open or expired. */
function findEarlier(trx: DatabaseTransaction, { venue_id, email_key }: InvitationRow) {
  return trx
    .selectFrom('invitations')
    .selectAll()
    .where('venue_id', '=', venue_id)
    .where('email_key', '=', email_key)
    .executeTakeFirst();
}

async function requireRoom(trx: DatabaseTransaction, venueId: Buffer, now: Date): Promise<void> {
  const { count } = await trx
    .selectFrom('invitations')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('venue_id', '=', venueId)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  if (Number(count) < limits.invitationsMax) return;
  throw problems.tooManyInvitations({
    detail: `A venue can have up to ${limits.invitationsMax} open invitations. Revoke one first.`,
  });
}
