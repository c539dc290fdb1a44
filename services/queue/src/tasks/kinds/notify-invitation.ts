import { isUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { TaskRow } from '../../db/tables.ts';
import { type ComposeDeps, type Mail, type MailKind, taskKey } from '../kind.ts';

/**
 * Mails the link of an invitation. Address, role and venue are read when the mail is handed out: an invitation that
 * was revoked, replaced, accepted or has expired gets no mail.
 */
export const notifyInvitation: MailKind<'notify.invitation'> = {
  kind: 'notify.invitation',
  destination: 'mails',
  async compose(deps, tasks) {
    const mails = new Map<string, Mail>();
    const invitations = await loadInvitations(deps, tasks);
    for (const task of tasks) {
      const row = invitations.get(invitationIdOf(task)?.toString('hex') ?? '');
      if (row === undefined) continue;
      const token = deps.invitationTokens.make(row.id);
      mails.set(taskKey(task), {
        to: row.email,
        locale: row.locale,
        content: {
          template: 'venue-invitation',
          venueName: row.venue_name,
          role: row.role,
          link: `${deps.accountUrl}/invitations/accept?token=${token}`,
        },
      });
    }
    return mails;
  },
};

function invitationIdOf({ payload }: TaskRow): Buffer | null {
  const { invitationId } = JSON.parse(payload) as { invitationId?: unknown };
  return isUuid(invitationId) ? uuidToBytes(invitationId as string) : null;
}

/** One query for the batch; finds rows by unique key. */
async function loadInvitations({ db, clock }: ComposeDeps, tasks: readonly TaskRow[]) {
  const ids = tasks.flatMap((task) => invitationIdOf(task) ?? []);
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('invitations as i')
    .innerJoin('venues as v', 'v.id', 'i.venue_id')
    .select(['i.id', 'i.email', 'i.role', 'v.name as venue_name', 'v.locale'])
    .where('i.id', 'in', ids)
    .where('i.expires_at', '>', clock.now())
    .execute();
  return new Map(rows.map((row) => [row.id.toString('hex'), row]));
}
