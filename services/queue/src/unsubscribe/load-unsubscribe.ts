import { problems } from '@queue-manager/service-kit/problems';
import type { Deps } from '../deps.ts';

/** What a token asks for, and the name of its venue, deleted or not. Throws `not-found` for any other text. */
export async function loadUnsubscribe({ db, unsubscribeTokens }: Deps, token: string) {
  const unsubscribe = unsubscribeTokens.read(token);
  const venue =
    unsubscribe &&
    (await db
      .selectFrom('venues')
      .select('name')
      .where('id', '=', unsubscribe.venueId)
      .executeTakeFirst());
  if (!venue) throw problems.notFound({ detail: 'This unsubscribe link is not valid.' });
  return { ...unsubscribe, venueName: venue.name };
}
