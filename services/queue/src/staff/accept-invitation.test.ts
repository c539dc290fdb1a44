import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { until } from '@queue-manager/service-kit/testing';
import { createInvitationTokens } from '../access/invitation-tokens.ts';
import { lockVenue } from '../access/lock-venue.ts';
import { inTransaction } from '../db/database.ts';
import { assertProblem, isLockAskedFor, type QueueService, startQueueService } from '../testing.ts';
import { invitationCalls } from './testing.ts';

describe('accept invitation', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const { invited, tokenOf, accept, roleOf } = invitationCalls(() => service);

  it('returns 403 for another e-mail address, and ignores case', async () => {
    const { owner, venueId } = await service.openLine();
    const account = service.userApp.open();
    const stranger = service.userApp.open();
    const invitation = await invited(venueId, owner, account.email.toUpperCase());
    const refused = await accept(stranger.id, tokenOf(invitation));
    assertProblem(refused, 'forbidden');
    assert.equal(refused.body.detail, 'This invitation was sent to another e-mail address.');
    assert.equal(await roleOf(venueId, stranger.id), undefined);
    assert.equal((await accept(account.id, tokenOf(invitation))).status, 200);
  });

  it('returns 400 for any other token', async () => {
    const { owner, venueId, queueId } = await service.openLine();
    const account = service.userApp.open();
    const token = tokenOf(await invited(venueId, owner, account.email));
    const { body: party } = await service.add(queueId, owner);
    const otherRing = createInvitationTokens([
      { id: 1, secret: Buffer.alloc(32, 8).toString('base64url') },
    ]);
    const unknown = uuidToBytes(newId(service.clock));
    const wrong = [
      'x',
      `${token}A`,
      token.slice(0, -1),
      `${token.slice(0, 10)}${token[10] === 'A' ? 'B' : 'A'}${token.slice(11)}`,
      party.ticket,
      otherRing.make(unknown),
      service.deps.invitationTokens.make(unknown),
    ];
    for (const one of wrong) assertProblem(await accept(account.id, one), 'invalid-token');
    assertProblem(await accept(account.id, ''), 'validation-failed');
    assertProblem(await accept(account.id, 'A'.repeat(257)), 'validation-failed');
    const asTicket = await service.call('GET', `/v1/tickets/${token}`);
    assert.equal(asTicket.status, 404);
    assert.equal(await roleOf(venueId, account.id), undefined);
  });

  it('keeps the higher role of a member', async () => {
    const { owner, venueId } = await service.openLine();
    for (const [is, invitedAs, becomes] of [
      ['manager', 'host', 'manager'],
      ['host', 'manager', 'manager'],
      ['manager', 'owner', 'owner'],
      ['owner', 'owner', 'owner'],
    ] as const) {
      const account = service.userApp.open({ id: await service.member(venueId, is) });
      const invitation = await invited(venueId, owner, account.email, invitedAs);
      const { body } = await accept(account.id, tokenOf(invitation));
      assert.equal(body.role, becomes);
      assert.equal(await roleOf(venueId, account.id), becomes);
    }
  });

  it('accepts once under concurrent calls; a repeat with the same key gets the first answer', async () => {
    const { owner, venueId } = await service.openLine();
    const account = service.userApp.open();
    const token = tokenOf(await invited(venueId, owner, account.email));
    const answers = await Promise.all(Array.from({ length: 20 }, () => accept(account.id, token)));
    const accepted = answers.filter(({ status }) => status === 200);
    assert.equal(accepted.length, 1);
    for (const answer of answers) if (answer.status !== 200) assertProblem(answer, 'invalid-token');

    const again = tokenOf(await invited(venueId, owner, account.email, 'manager'));
    const key = newId(service.clock);
    const repeats = await Promise.all(
      Array.from({ length: 5 }, () => accept(account.id, again, key)),
    );
    for (const { status, body } of repeats) {
      assert.equal(status, 200);
      assert.equal(body.role, 'manager');
    }
    // The same key with another token is refused, valid or not. A refused request leaves its key free.
    const third = tokenOf(await invited(venueId, owner, account.email));
    for (const token of ['x', third]) {
      assertProblem(await accept(account.id, token, key), 'idempotency-key-reused');
    }
    const free = newId(service.clock);
    assertProblem(await accept(account.id, 'x', free), 'invalid-token');
    assert.equal((await accept(account.id, third, free)).status, 200);
    // A repeat does not need the user service.
    service.userApp.state.isUnavailable = true;
    const late = await accept(account.id, again, key);
    service.userApp.state.isUnavailable = false;
    assert.deepEqual([late.status, late.body], [200, repeats[0]?.body]);
  });

  it('returns 400 when the invitation is revoked or its venue deleted at the same moment', async () => {
    for (const end of ['revoked', 'deleted']) {
      const { owner, venueId } = await service.openLine();
      const account = service.userApp.open();
      const token = tokenOf(await invited(venueId, owner, account.email));
      const venue = uuidToBytes(venueId);
      const { accepting } = await inTransaction(service.db, async (trx) => {
        await lockVenue(trx, venue);
        const accepting = accept(account.id, token);
        await until('it waits for the venue lock', () => isLockAskedFor(service.db, 'venues'));
        if (end === 'revoked') {
          await trx.deleteFrom('invitations').where('venue_id', '=', venue).execute();
        } else {
          const deleted_at = service.clock.now();
          await trx.updateTable('venues').set({ deleted_at }).where('id', '=', venue).execute();
        }
        return { accepting };
      });
      assertProblem(await accepting, 'invalid-token');
      assert.equal(await roleOf(venueId, account.id), undefined);
    }
  });

  it('returns 401 to a deleted account and 503 while the user service is unavailable', async () => {
    const { owner, venueId } = await service.openLine();
    const account = service.userApp.open();
    const token = tokenOf(await invited(venueId, owner, account.email));
    service.userApp.state.isUnavailable = true;
    assertProblem(await accept(account.id, token), 'unavailable');
    service.userApp.state.isUnavailable = false;
    service.userApp.forget(account.id);
    assertProblem(await accept(account.id, token), 'unauthenticated');
    service.userApp.open(account);
    await service.db
      .insertInto('accounts')
      .values({ user_id: uuidToBytes(account.id), deleted_at: service.clock.now() })
      .execute();
    assertProblem(await accept(account.id, token), 'unauthenticated');
    assert.equal(await roleOf(venueId, account.id), undefined);
  });
});
