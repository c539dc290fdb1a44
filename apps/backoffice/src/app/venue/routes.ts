import type { Routes } from '@angular/router';
import { venueRole } from '../session/guards.ts';

/** Below `/venues/:venueId`. */
export const routes: Routes = [
  {
    path: 'poster',
    canActivate: [venueRole('host')],
    loadComponent: async () => (await import('./poster/poster.ts')).Poster,
  },
  {
    path: 'team',
    canActivate: [venueRole('host')],
    loadComponent: async () => (await import('./team/team.ts')).Team,
  },
  {
    path: 'settings',
    canActivate: [venueRole('manager')],
    loadComponent: async () => (await import('./settings/settings.ts')).Settings,
    children: [
      { path: '', pathMatch: 'full', redirectTo: 'queues' },
      {
        path: 'queues',
        loadComponent: async () => (await import('./queues/queue-list.ts')).QueueList,
      },
      {
        path: 'queues/new',
        loadComponent: async () => (await import('./queues/new-queue.ts')).NewQueue,
      },
      {
        path: 'queues/:queueId',
        loadComponent: async () => (await import('./queues/queue-settings.ts')).QueueSettings,
      },
      {
        path: 'venue',
        loadComponent: async () => (await import('./settings/venue-settings.ts')).VenueSettings,
      },
      {
        path: 'keys',
        loadComponent: async () => (await import('./keys/api-keys.ts')).ApiKeys,
      },
      {
        path: 'messages',
        loadComponent: async () => (await import('./messages/failed-messages.ts')).FailedMessages,
      },
    ],
  },
];
