import { getAccount } from '@queue-manager/contracts/internal';
import { acceptInvitation as contract } from '@queue-manager/contracts/members';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { isProblem, problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { lockAccount } from '../access/accounts.ts';
import { idempotent } from '../access/idempotent.ts';
import { lockVenue } from '../access/lock-venue.ts';
import { isAtLeast } from '../access/membership.ts';
import type { DatabaseTransaction } from '../db/database.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';

/** Of two concurrent calls, the second waits for the venue's lock and then finds no invitation. */
export const acceptInvitation = (deps: Deps) =>
  route(contract, async function acceptInvitation(request) {
    const { body, claims } = request;
    const invitationId = deps.invitationTokens.read(body.token);
    const caller = uuidToBytes(claims.sub);
    // Called before anything is locked, since the user service may be slow. Its failure is thrown only inside, so
    // that a repeat still gets its first answer.
    const email = invitationId === null ? null : await findEmail(deps, claims.sub);
    const { result } = await once(deps, idempotent(contract, request, caller), async (trx) => {
      if (invitationId === null || email === null) throw problems.invalidToken();
      if (email instanceof Error) throw email;
      await lockAccount(trx, caller);
      const { invitation, venue } = await lockInvitation(deps, trx, invitationId);
      if (invitation.email_key !== normaliseEmail(email)) {
        throw problems.forbidden({ detail: 'This invitation was sent to another e-mail address.' });
      }
      await trx.deleteFrom('invitations').where('id', '=', invitation.id).execute();
      const member = await trx
        .selectFrom('members')
        .select('role')
        .where('venue_id', '=', venue.id)
        .where('user_id', '=', caller)
        .executeTakeFirst();
      const role =
        member !== undefined && isAtLeast(member.role, invitation.role)
          ? member.role
          : invitation.role;
      await trx
        .insertInto('members')
        .values({ venue_id: venue.id, user_id: caller, role, since: deps.clock.now() })
        .onDuplicateKeyUpdate({ role })
        .execute();
      const membership = {
        venueId: bytesToUuid(venue.id),
        venueName: venue.name,
        userId: claims.sub,
        role,
      };
      return { result: membership, events: [] };
    });
    return result;
  });

/** The e-mail of an account, or the error to answer with. */
async function findEmail({ users }: Deps, userId: string): Promise<string | Error> {
  try {
    const account = await users.find(getAccount, { params: { userId } });
    return account?.email ?? problems.unauthenticated({ detail: 'This account has been deleted.' });
  } catch (error) {
    return error as Error;
  }
}

/** Locks an invitation's venue and returns both. Throws `invalid-token` when either was deleted or has expired. */
async function lockInvitation(deps: Deps, trx: DatabaseTransaction, id: Buffer) {
  const find = () =>
    trx
      .selectFrom('invitations')
      .selectAll()
      .where('id', '=', id)
      .where('expires_at', '>', deps.clock.now())
      .executeTakeFirst();
  // The first read finds the venue to lock; only the read under its lock counts.
  const found = await find();
  if (found === undefined) throw problems.invalidToken();
  const venue = await lockVenue(trx, found.venue_id).catch((error) => {
    if (isProblem(error, 'not-found')) throw problems.invalidToken();
    throw error;
  });
  const invitation = await find();
  if (invitation === undefined) throw problems.invalidToken();
  return { invitation, venue };
}
