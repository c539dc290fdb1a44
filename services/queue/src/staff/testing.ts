import assert from 'node:assert/strict';
import { type EventOf, makeEvent } from '@queue-manager/contracts/events';
import type { Role } from '@queue-manager/contracts/venues';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Answer, QueueService } from '../testing.ts';

/** Calls about invitations, for tests; `service` is read at each call. */
export function invitationCalls(service: () => QueueService) {
  const randomEmail = () => `${newId(service().clock)}@example.com`;
  const invite = (venueId: string, as: string, email: string, role: Role = 'host', key?: string) =>
    service().call('POST', `/v1/venues/${venueId}/invitations`, {
      as,
      body: { email, role },
      ...(key === undefined ? {} : { key }),
    });
  async function invited(...request: Parameters<typeof invite>) {
    const { status, body } = await invite(...request);
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  }
  const list = async (venueId: string, as: string) =>
    (await service().call('GET', `/v1/venues/${venueId}/invitations`, { as })).body.data;
  const revoke = (venueId: string, as: string, id: string) =>
    service().call('DELETE', `/v1/venues/${venueId}/invitations/${id}`, { as });
  const tokenOf = (invitation: { id: string }) =>
    service().deps.invitationTokens.make(uuidToBytes(invitation.id));
  const accept = (as: string, token: string, key?: string): Promise<Answer> =>
    service().call('POST', '/v1/invitations/accept', {
      as,
      body: { token },
      ...(key === undefined ? {} : { key }),
    });
  async function roleOf(venueId: string, userId: string): Promise<Role | undefined> {
    const row = await service()
      .db.selectFrom('members')
      .select('role')
      .where('venue_id', '=', uuidToBytes(venueId))
      .where('user_id', '=', uuidToBytes(userId))
      .executeTakeFirst();
    return row?.role;
  }
  return { randomEmail, invite, invited, list, revoke, tokenOf, accept, roleOf };
}

/** The `user.deleted` event of an account. */
export function userDeletedEvent({ clock }: QueueService, userId: string): EventOf<'user.deleted'> {
  return makeEvent({
    id: newId(clock),
    source: '/user',
    type: 'user.deleted',
    subject: userId,
    time: clock.now().toISOString(),
    data: { userId },
  });
}
