import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createApiKey, deleteApiKey, listApiKeys } from '@queue-manager/contracts/api-keys';
import {
  acceptInvitation,
  createInvitation,
  listInvitations,
  listMembers,
  removeMember,
  revokeInvitation,
  updateMember,
} from '@queue-manager/contracts/members';
import { listTasks } from '@queue-manager/contracts/tasks';
import { login } from '@queue-manager/contracts/tokens';
import { signUp, verifyUser } from '@queue-manager/contracts/users';
import { getVenue } from '@queue-manager/contracts/venues';
import { mailsTo, tokenIn } from '@queue-manager/local-stack/inbox';
import { until } from '@queue-manager/service-kit/testing';
import { mailedToken, openAccount, randomEmail, randomPassword } from './support/accounts.ts';
import { openVenue } from './support/lines.ts';
import { enlist, invite } from './support/members.ts';
import { call, mailUrl, refuse, succeed } from './support/system.ts';

describe('the staff of a venue', () => {
  it('is invited by mail, changed and removed', async () => {
    const [{ owner, venue }, ana, rui] = await Promise.all([
      openVenue(),
      openAccount({ name: 'Ana Lima' }),
      openAccount({ name: 'Rui Gomes' }),
    ]);
    const params = { venueId: venue.id };
    const membersOf = async (token: string) => {
      const { data } = await succeed(listMembers, { token, params });
      return data.map(({ name, role }) => `${name} ${role}`).toSorted();
    };

    const spelt = ana.email.replace(/^[^@]+/, (name) => name.toUpperCase());
    const token = await invite({ owner, venue, email: spelt, role: 'manager' });
    const { data: open } = await succeed(listInvitations, { token: owner.token, params });
    assert.deepEqual(
      open.map(({ email, role }) => [email, role]),
      [[spelt, 'manager']],
    );
    const other = await refuse('forbidden', acceptInvitation, {
      token: rui.token,
      body: { token },
    });
    assert.equal(other.detail, 'This invitation was sent to another e-mail address.');
    await refuse('not-found', listMembers, { token: ana.token, params });
    assert.deepEqual(await succeed(acceptInvitation, { token: ana.token, body: { token } }), {
      venueId: venue.id,
      venueName: venue.name,
      userId: ana.id,
      role: 'manager',
    });
    await refuse('invalid-token', acceptInvitation, { token: ana.token, body: { token } });
    assert.equal((await succeed(getVenue, { token: ana.token, params })).role, 'manager');
    assert.deepEqual(await membersOf(ana.token), ['Ana Lima manager', 'Olga Owner owner']);

    // Managers may invite hosts only.
    const body = { email: rui.email, role: 'manager' } as const;
    await refuse('forbidden', createInvitation, { token: ana.token, params, body });
    await enlist(ana, venue, rui, 'host');
    await refuse('forbidden', createInvitation, { token: rui.token, params, body });

    const ofAna = { ...params, userId: ana.id };
    const ofOwner = { ...params, userId: owner.id };
    await refuse('forbidden', updateMember, {
      token: ana.token,
      params: ofAna,
      body: { role: 'owner' },
    });
    await refuse('last-owner', updateMember, {
      token: owner.token,
      params: ofOwner,
      body: { role: 'host' },
    });
    await refuse('last-owner', removeMember, { token: owner.token, params: ofOwner });
    assert.deepEqual(
      await succeed(updateMember, { token: owner.token, params: ofAna, body: { role: 'owner' } }),
      { userId: ana.id, name: 'Ana Lima', role: 'owner' },
    );
    assert.deepEqual(await membersOf(rui.token), [
      'Ana Lima owner',
      'Olga Owner owner',
      'Rui Gomes host',
    ]);
    await succeed(removeMember, { token: ana.token, params: ofOwner });
    await refuse('not-found', getVenue, { token: owner.token, params });
    await refuse('last-owner', removeMember, { token: ana.token, params: ofAna });

    const elsewhere = await openVenue();
    const { token: stranger } = elsewhere.owner;
    await refuse('not-found', listMembers, { token: stranger, params });
    await refuse('not-found', removeMember, { token: stranger, params: ofAna });
    await refuse('not-found', removeMember, {
      token: stranger,
      params: { venueId: elsewhere.venue.id, userId: ana.id },
    });
    assert.deepEqual(await membersOf(ana.token), ['Ana Lima owner', 'Rui Gomes host']);
  });

  it('may sign up after the invitation; neither kind of token is accepted as the other', async () => {
    const { owner, venue } = await openVenue();
    const email = randomEmail();
    const password = randomPassword();
    const token = await invite({ owner, venue, email, role: 'host' });
    await succeed(signUp, { body: { name: 'Eva Dias', email, password } });
    const verification = await mailedToken(email, 2);
    await refuse('invalid-token', verifyUser, { body: { token } });
    await refuse('invalid-token', acceptInvitation, {
      token: owner.token,
      body: { token: verification },
    });
    await succeed(verifyUser, { body: { token: verification } });
    const { accessToken } = await succeed(login, { body: { email, password } });
    const { role } = await succeed(acceptInvitation, { token: accessToken, body: { token } });
    assert.equal(role, 'host');
  });

  it('cannot be joined with a revoked or replaced invitation', async () => {
    const { owner, venue } = await openVenue();
    const ana = await openAccount();
    const { token } = owner;
    const params = { venueId: venue.id };
    const first = await invite({ owner, venue, email: ana.email, role: 'host' });
    const second = await invite({ owner, venue, email: ana.email, role: 'host' });
    await refuse('invalid-token', acceptInvitation, { token: ana.token, body: { token: first } });
    const { data } = await succeed(listInvitations, { token, params });
    assert.equal(data.length, 1);
    const invitationId = data[0]?.id ?? '';
    await succeed(revokeInvitation, { token, params: { ...params, invitationId } });
    await refuse('invalid-token', acceptInvitation, { token: ana.token, body: { token: second } });
    await refuse('not-found', listMembers, { token: ana.token, params });
  });

  it('sees that the mail was sent, without its address', async () => {
    const { owner, venue } = await openVenue();
    const email = randomEmail();
    const { token } = owner;
    const params = { venueId: venue.id };
    await invite({ owner, venue, email, role: 'manager' });
    const task = await until('the mail is reported', async () => {
      const { data } = await succeed(listTasks, { token, params });
      return data.find(({ state }) => state === 'done');
    });
    assert.equal(task.kind, 'notify.invitation');
    assert.ok(!JSON.stringify(task).includes(email));
    const [mail] = await mailsTo(mailUrl, email);
    assert.ok(mail !== undefined);
    assert.match(mail.subject, /Test Kitchen/);
    assert.match(mail.text, /as a manager/);
    assert.ok(tokenIn(mail));
  });
});

describe('the API keys of a venue', () => {
  it('are created, shown once, listed and revoked', async () => {
    const { owner, venue } = await openVenue();
    const { token } = owner;
    const params = { venueId: venue.id };
    const options = { token, params, body: { name: 'Till' }, idempotencyKey: crypto.randomUUID() };
    const { key = '', ...made } = await succeed(createApiKey, options);
    assert.match(key, /^qm_/);
    assert.deepEqual(await succeed(createApiKey, options), made, 'a repeat does not show it');
    const { data } = await succeed(listApiKeys, { token, params });
    assert.deepEqual(data, [made]);
    const stranger = await openAccount();
    await refuse('not-found', listApiKeys, { token: stranger.token, params });
    const ofKey = { ...params, keyId: made.id };
    await refuse('not-found', deleteApiKey, { token: stranger.token, params: ofKey });
    const deleted = await call(deleteApiKey, { token, params: ofKey });
    assert.equal(deleted.status, 204);
    await refuse('not-found', deleteApiKey, { token, params: ofKey });
  });
});
