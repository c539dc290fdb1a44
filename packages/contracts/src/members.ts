import { z } from 'zod';
import { contract } from './contract.ts';
import { Email, limits, page, pageQuery, Timestamp, Uuid } from './values.ts';
import { Role, VenueParams } from './venues.ts';

export const Member = z
  .object({
    userId: Uuid,
    name: z.string().nullable().meta({ description: 'Null while the user service is unavailable' }),
    role: Role,
  })
  .meta({ id: 'Member' });
export type Member = z.infer<typeof Member>;

const MemberParams = z.strictObject({ venueId: Uuid, userId: Uuid });

export const listMembers = contract({
  operationId: 'listMembers',
  summary: "List a venue's members",
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
  summary: "Change a member's role",
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
  summary: 'Remove a member from a venue',
  description: 'Ends its staff streams within a minute.',
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
  summary: 'Invite someone to a venue by e-mail',
  description: `The response is the same whether or not the e-mail address has an account. Managers can invite hosts; owners can invite to any role. A new invitation for the same address replaces the previous one, whose link stops working; a manager cannot replace an invitation to a role that managers cannot grant. An invitation expires after ${limits.invitationDays} days, or when its sender loses the right to grant its role. A venue can have up to ${limits.invitationsMax} open invitations. An account can send up to ${limits.invitationsOfDayMax} in 24 hours across all its venues, including revoked and replaced ones; after that it gets \`too-many-requests\` with a Retry-After.`,
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
  summary: "List a venue's open invitations",
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
  summary: 'Revoke an invitation',
  description:
    'Its link stops working. Managers can revoke invitations to the host role; owners can revoke any.',
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
  summary: 'Accept an invitation',
  description:
    'Only the account with the invited e-mail address can accept. An existing member keeps the higher of the two roles.',
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
