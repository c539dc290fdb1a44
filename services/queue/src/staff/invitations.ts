import type { Invitation } from '@queue-manager/contracts/members';
import { type Role, roles } from '@queue-manager/contracts/venues';
import type { Clock } from '@queue-manager/service-kit/clock';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import type { Selectable } from 'kysely';
import type { Database, DatabaseTransaction } from '../db/database.ts';
import { sweepUntil } from '../db/sweep-until.ts';
import type { InvitationTable } from '../db/tables.ts';

export type InvitationRow = Selectable<InvitationTable>;

/** The roles that a member may grant: those below its own; owners grant any. */
function grantableRoles(role: Role): Role[] {
  return role === 'owner' ? [...roles] : roles.slice(0, roles.indexOf(role));
}

/** Throws `forbidden` unless a member with `role` may grant the other role. */
export function requireGrantable(role: Role, granted: Role): void {
  if (grantableRoles(role).includes(granted)) return;
  throw problems.forbidden({ detail: `The ${role} role cannot grant the ${granted} role.` });
}

/** Deletes a member's invitations that its new role may not grant; with `role` null, all of them. */
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

/** Deletes a batch of expired invitations; returns how many. */
export function sweepInvitations({ db, clock }: { db: Database; clock: Clock }) {
  return sweepUntil(db, 'invitations', 'expires_at', clock.now());
}
