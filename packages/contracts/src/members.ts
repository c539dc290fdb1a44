import { z } from 'zod';
import { contract } from './contract.ts';
import { Email, limits, page, pageQuery, Timestamp, Uuid } from './values.ts';
import { Role, VenueParams } from './venues.ts';

export const Member = z
  .object({
    userId: Uuid,
    name: z.string().nullable().meta({ description: 'null while accounts cannot be asked' }),
    role: Role,
  })
  .meta({ id: 'Member' });
export type Member = z.infer<typeof Member>;

const MemberParams = z.strictObject({ venueId: Uuid, userId: Uuid });

export const listMembers = contract({
  operationId: 'listMembers',
  summary: 'List who works at a venue',
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId/members',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: VenueParams, querystring: pageQuery({}) },
  status: 200,
  response: page(Member),
  problems: ['not-found'],
});

export const updateMember = contract({
  operationId: 'updateMember',
  summary: 'Give a member another role',
  service: 'queue',
  method: 'PATCH',
  url: '/v1/venues/:venueId/members/:userId',
  auth: 'owner',
  rateLimit: 'account',
  schema: { params: MemberParams, body: z.strictObject({ role: Role }) },
  status: 200,
  response: Member,
  problems: ['forbidden', 'not-found', 'last-owner'],
});

export const removeMember = contract({
  operationId: 'removeMember',
  summary: 'Take a member out of a venue',
  service: 'queue',
  method: 'DELETE',
  url: '/v1/venues/:venueId/members/:userId',
  auth: 'owner',
  rateLimit: 'account',
  schema: { params: MemberParams },
  status: 204,
  problems: ['forbidden', 'not-found', 'last-owner'],
});

export const Invitation = z
  .object({
    id: Uuid,
    email: z.string(),
    role: Role,
    createdAt: Timestamp,
    expiresAt: Timestamp,
  })
  .meta({ id: 'Invitation' });
export type Invitation = z.infer<typeof Invitation>;

export const createInvitation = contract({
  operationId: 'createInvitation',
  summary: 'Invite somebody to work at a venue, by a mail with a link',
  description: `The same answer whether or not the e-mail has an account. Nobody grants a role at or above their own, owners excepted. A new invitation of the same e-mail takes the place of the one before, whose link is dead from then on; a manager replaces none of a role that it could not grant. An invitation holds for ${limits.invitationDays} days, and ends when whoever sent it loses the right to grant its role. A venue has at most ${limits.invitationsMax} open. An account sends at most ${limits.invitationsOfDayMax} in 24 hours over all its venues, those that were revoked or replaced included; beyond that it gets \`too-many-requests\`, and Retry-After says when there is room again.`,
  service: 'queue',
  method: 'POST',
  url: '/v1/venues/:venueId/invitations',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: VenueParams, body: z.strictObject({ email: Email, role: Role }) },
  status: 201,
  response: Invitation,
  problems: ['forbidden', 'not-found', 'too-many-invitations'],
});

export const listInvitations = contract({
  operationId: 'listInvitations',
  summary: 'List the invitations that are open',
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId/invitations',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: VenueParams, querystring: pageQuery({}) },
  status: 200,
  response: page(Invitation),
  problems: ['forbidden', 'not-found'],
});

export const revokeInvitation = contract({
  operationId: 'revokeInvitation',
  summary: 'Take an invitation back',
  description:
    'Its link is dead from then on. A manager takes back what a manager could have sent: an invitation of a host.',
  service: 'queue',
  method: 'DELETE',
  url: '/v1/venues/:venueId/invitations/:invitationId',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: z.strictObject({ venueId: Uuid, invitationId: Uuid }) },
  status: 204,
  problems: ['forbidden', 'not-found'],
});

export const Membership = z
  .object({ venueId: Uuid, venueName: z.string(), userId: Uuid, role: Role })
  .meta({ id: 'Membership' });
export type Membership = z.infer<typeof Membership>;

export const acceptInvitation = contract({
  operationId: 'acceptInvitation',
  summary: 'Accept an invitation; it is for the invited e-mail only',
  description: 'A member keeps the higher of its role and the one it was invited to.',
  service: 'queue',
  method: 'POST',
  url: '/v1/invitations/accept',
  auth: 'user',
  rateLimit: 'account',
  schema: { body: z.strictObject({ token: z.string().min(1).max(256) }) },
  status: 200,
  response: Membership,
  problems: ['invalid-token', 'forbidden'],
});
