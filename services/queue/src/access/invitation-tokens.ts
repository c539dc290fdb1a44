import { createTokenSeal } from '@queue-manager/service-kit/sealed-tokens';
import type { TicketKey } from '@queue-manager/service-kit/tickets';

/** The tokens in links of invitations: derived from the invitation's id, stored nowhere. */
export type InvitationTokens = {
  make(invitationId: Buffer): string;
  /** The invitation that a token is for, whether or not it still stands; null for what was not made here. */
  read(token: string): Buffer | null;
};

const idBytes = 16;
const invitationKind = 1;

/** From the ring of the tickets, with keys of their own: neither kind passes for the other. */
export function createInvitationTokens(ring: readonly TicketKey[]): InvitationTokens {
  const { seal, open } = createTokenSeal(
    ring.map(({ secret }) => secret),
    'invitation',
  );
  return {
    make: (invitationId) => seal(invitationKind, invitationId),
    read: (token) => open(invitationKind, idBytes, token),
  };
}
