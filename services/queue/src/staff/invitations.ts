import type { Invitation } from '@queue-manager/contracts/members';
import { type Role, roles } from '@queue-manager/contracts/venues';
import type { Clock } from '@queue-manager/service-kit/clock';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import type { Selectable } from 'kysely';
import type { Database, DatabaseTransaction } from '../db/database.ts';
import type { InvitationTable } from '../db/tables.ts';

export type InvitationRow = Selectable<InvitationTable>;

/** The roles that a member may give to somebody: those below its own; an owner gives any. */
function grantableRoles(role: Role): Role[] {
  return role === 'owner' ? [...roles] : roles.slice(0, roles.indexOf(role));
}

/** Throws `forbidden` unless a member of this role may give the other role to somebody. */
export function requireGrantable(role: Role, granted: Role): void {
  if (grantableRoles(role).includes(granted)) return;
  throw problems.forbidden({ detail: `The ${role} role cannot grant the ${granted} role.` });
}

/** Ends what a member sent and could not send any more with the role it has now; null when it has none. */
export async function endInvitationsBy(
  trx: DatabaseTransaction,
  member: { venueId: Buffer; userId: Buffer; role: Role | null },
): Promise<void> {
  const kept = member.role === null ? [] : grantableRoles(member.role);
  await trx
    .deleteFrom('invitations')
    .where('venue_id', '=', member.venueId)
    .where('invited_by', '=', member.userId)
    .$if(kept.length > 0, (q) => q.where('role', 'not in', kept))
    .execute();
}

export function invitationView(row: InvitationRow): Invitation {
  return {
    id: bytesToUuid(row.id),
    email: row.email,
    role: row.role,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
  };
}

/** Deletes invitations that nobody accepted in time, a few at a time; gives back how many. */
export async function sweepInvitations(deps: { db: Database; clock: Clock }): Promise<number> {
  const { numDeletedRows } = await deps.db
    .deleteFrom('invitations')
    .where('expires_at', '<=', deps.clock.now())
    .orderBy('expires_at')
    .limit(1_000)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
