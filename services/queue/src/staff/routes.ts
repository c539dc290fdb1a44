import type { Deps } from '../deps.ts';
import { acceptInvitation } from './accept-invitation.ts';
import { createApiKey } from './create-api-key.ts';
import { createInvitation } from './create-invitation.ts';
import { deleteApiKey } from './delete-api-key.ts';
import { listApiKeys } from './list-api-keys.ts';
import { listInvitations } from './list-invitations.ts';
import { listMembers } from './list-members.ts';
import { removeMember } from './remove-member.ts';
import { revokeInvitation } from './revoke-invitation.ts';
import { updateMember } from './update-member.ts';

/** A venue's staff: members and invitations, and its API keys. */
export const staffRoutes = (deps: Deps) => [
  listMembers(deps),
  updateMember(deps),
  removeMember(deps),
  listInvitations(deps),
  createInvitation(deps),
  revokeInvitation(deps),
  acceptInvitation(deps),
  listApiKeys(deps),
  createApiKey(deps),
  deleteApiKey(deps),
];
