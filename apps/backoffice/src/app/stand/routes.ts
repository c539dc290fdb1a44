import type { Routes } from '@angular/router';
import { venueRole } from '../session/guards.ts';

export const routes: Routes = [
  {
    path: '',
    canActivate: [venueRole('host')],
    loadComponent: async () => (await import('./stand.ts')).Stand,
  },
];
