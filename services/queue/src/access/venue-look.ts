import type { VenueRow } from '../db/tables.ts';

/** What pages for guests take from the venue. */
export function venueLook(venue: Pick<VenueRow, 'locale' | 'timezone' | 'accent_color'>) {
  return { locale: venue.locale, timezone: venue.timezone, accentColor: venue.accent_color };
}
