import type { Role, Venue } from '@queue-manager/contracts/venues';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { VenueRow } from '../db/tables.ts';

export function venueView(row: VenueRow, role: Role): Venue {
  return {
    id: bytesToUuid(row.id),
    name: row.name,
    timezone: row.timezone,
    locale: row.locale,
    capacity: row.capacity,
    occupancy: row.occupancy,
    dayStartsAt: row.day_starts_at,
    retentionDays: row.retention_days,
    accentColor: row.accent_color,
    feed: row.feed === 1,
    role,
    createdAt: row.created_at.toISOString(),
  };
}
