import { createHmac } from 'node:crypto';
import { mailboxOf } from '@queue-manager/contracts/values';
import { createTokenSeal, deriveKeys } from '@queue-manager/service-kit/sealed-tokens';

/** Who wants no mails from a venue: the venue, and a keyed hash of the mailbox, another one for each venue. */
export type Unsubscribe = { venueId: Buffer; recipient: Buffer };

/** Tokens in the unsubscribe links of mails. They never expire, and nobody can read the address in them. */
export type UnsubscribeTokens = {
  of(venueId: Buffer, email: string): Unsubscribe;
  make(unsubscribe: Unsubscribe): string;
  /** Null for any other text. */
  read(token: string): Unsubscribe | null;
};

const idBytes = 16;
const hashBytes = 32;
const unsubscribeKind = 1;

/** Another secret would forget who has unsubscribed, so there is one for ever. */
export function createUnsubscribeTokens(secret: string): UnsubscribeTokens {
  const { seal, open } = createTokenSeal([secret], 'unsubscribe token');
  const [key] = deriveKeys([secret], 'unsubscribed recipient') as [Buffer];
  return {
    of: (venueId, email) => ({
      venueId,
      recipient: createHmac('sha256', key).update(venueId).update(mailboxOf(email)).digest(),
    }),
    make: ({ venueId, recipient }) => seal(unsubscribeKind, Buffer.concat([venueId, recipient])),
    read(token) {
      const content = open(unsubscribeKind, idBytes + hashBytes, token);
      if (content === null) return null;
      return { venueId: content.subarray(0, idBytes), recipient: content.subarray(idBytes) };
    },
  };
}
