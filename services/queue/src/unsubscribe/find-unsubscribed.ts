import type { Unsubscribe, UnsubscribeTokens } from '../access/unsubscribe-tokens.ts';
import type { Database } from '../db/database.ts';
import { keyIn } from '../db/key-in.ts';

/** Finds which of these addresses want no mails from these venues: resolves with a function that tells. */
export async function findUnsubscribed(
  { db, unsubscribeTokens }: { db: Database; unsubscribeTokens: UnsubscribeTokens },
  mails: readonly { venueId: Buffer; to: string }[],
): Promise<(venueId: Buffer, to: string) => boolean> {
  if (mails.length === 0) return () => false;
  const keys = mails.map(({ venueId, to }) => unsubscribeTokens.of(venueId, to));
  const rows = await db
    .selectFrom('unsubscribes')
    .select('recipient')
    .where(
      keyIn(
        ['venue_id', 'recipient'],
        keys.map(({ venueId, recipient }) => [venueId, recipient]),
      ),
    )
    .execute();
  const found = new Set(rows.map(({ recipient }) => hexOf(recipient)));
  return (venueId, to) => found.has(hexOf(unsubscribeTokens.of(venueId, to).recipient));
}

function hexOf(hash: Unsubscribe['recipient']): string {
  return hash.toString('hex');
}
