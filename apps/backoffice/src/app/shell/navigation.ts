import type { IconName } from '@queue-manager/ui/icons';
import type { Role } from '../session/venues.ts';
import type { texts } from './strings.ts';

export type Entry = {
  /** Below `/venues/:venueId`. */
  path: string;
  text: keyof typeof texts.en;
  icon: IconName;
  /** The lowest role that sees it. */
  role: Role;
};

/** The screens of a venue, in the order of the navigation; the first is where one comes in. */
export const entries: Entry[] = [
  { path: 'stand', text: 'stand', icon: 'people', role: 'host' },
  { path: 'door', text: 'door', icon: 'door', role: 'host' },
  { path: 'tonight', text: 'tonight', icon: 'clock', role: 'manager' },
  { path: 'reports', text: 'reports', icon: 'chart', role: 'manager' },
  { path: 'history', text: 'history', icon: 'history', role: 'host' },
  { path: 'poster', text: 'poster', icon: 'qr', role: 'host' },
  { path: 'team', text: 'team', icon: 'person', role: 'host' },
  { path: 'settings', text: 'settings', icon: 'settings', role: 'manager' },
];

/** On a phone, so many stand beside "More". */
export const majorEntriesMax = 4;
