import { createTokenSeal } from '@queue-manager/service-kit/sealed-tokens';
import type { TicketKey } from '@queue-manager/service-kit/tickets';

/** Tokens in invitation links: sealed invitation ids, never stored. */
export type InvitationTokens = {
  make(invitationId: Buffer): string;
  /** The invitation id in a token, whether or not the invitation still exists; null for any other text. */
  read(token: string): Buffer | null;
};

const idBytes = 16;
const invitationKind = 1;

/** Keys are derived from the ticket key ring for this purpose alone, so tickets and invitations never mix. */
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
