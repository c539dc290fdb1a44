import type { Routes } from '@angular/router';
import { venueRole } from '../session/guards.ts';

/** Below a venue. */
export const routes: Routes = [
  {
    path: 'tonight',
    canActivate: [venueRole('manager')],
    loadComponent: async () => (await import('./tonight/tonight.ts')).Tonight,
  },
  {
    path: 'reports',
    canActivate: [venueRole('manager')],
    loadComponent: async () => (await import('./reports/reports.ts')).Reports,
  },
  {
    path: 'history',
    canActivate: [venueRole('host')],
    loadComponent: async () => (await import('./history/history.ts')).History,
  },
];
