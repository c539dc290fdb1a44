import { getAccount } from '@queue-manager/contracts/internal';
import { acceptInvitation as contract } from '@queue-manager/contracts/members';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { isProblem, problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { lockAccount } from '../access/accounts.ts';
import { lockVenue } from '../access/lock-venue.ts';
import { isAtLeast } from '../access/membership.ts';
import type { DatabaseTransaction } from '../db/database.ts';
import { once } from '../db/idempotency.ts';
import type { Deps } from '../deps.ts';

/** Of two who accept at once, the second waits for the venue's lock and then finds no invitation. */
export const acceptInvitation = (deps: Deps) =>
  route(contract, async ({ body, claims, idempotencyKey }) => {
    const invitationId = deps.invitationTokens.read(body.token);
    const caller = uuidToBytes(claims.sub);
    // Asked before anything is locked: another service may take its time. What is wrong with the token or the
    // account is told inside, so that a repeat gets its first answer and a key that is taken says so first.
    const emailOf = invitationId === null ? null : await findEmail(deps, claims.sub);
    const { result } = await once(
      deps,
      {
        key: idempotencyKey,
        caller: claims.sub,
        operationId: contract.operationId,
        target: caller,
        body,
      },
      async (trx) => {
        if (invitationId === null || emailOf === null) throw problems.invalidToken();
        const callerEmail = emailOf();
        await lockAccount(trx, caller);
        const { invitation, venue } = await lockInvitation(deps, trx, invitationId);
        if (invitation.email_key !== normaliseEmail(callerEmail)) {
          throw problems.forbidden({
            detail: 'This invitation was sent to another e-mail address.',
          });
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
      },
    );
    return result;
  });

/** The e-mail of the caller's account; the function that this gives answers or throws. */
async function findEmail({ users }: Deps, userId: string): Promise<() => string> {
  try {
    const { email } = await users.call(getAccount, { params: { userId } });
    return () => email;
  } catch (error) {
    const isGone = isProblem(error, 'not-found');
    return () => {
      throw isGone ? problems.unauthenticated({ detail: 'This account has been deleted.' }) : error;
    };
  }
}

/** An open invitation and its venue, under the venue's lock. Throws `invalid-token` when either is gone. */
async function lockInvitation(deps: Deps, trx: DatabaseTransaction, id: Buffer) {
  const find = () =>
    trx
      .selectFrom('invitations')
      .selectAll()
      .where('id', '=', id)
      .where('expires_at', '>', deps.clock.now())
      .executeTakeFirst();
  // Which venue it is has to be known before its lock; what holds is what stands there under it.
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
