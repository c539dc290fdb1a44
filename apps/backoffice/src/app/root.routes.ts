import type { Routes, UrlMatcher } from '@angular/router';
import { signedIn, venueRole } from './session/guards.ts';
import { onlyVenue } from './shell/home-guard.ts';

/**
 * The rooms, each loaded with its first screen. Screens without the frame come first, then those that need somebody to
 * be signed in.
 */
export const routes: Routes = [
  {
    matcher: startsWith('sign-in', 'sign-up', 'verify', 'reset', 'invitations'),
    loadChildren: async () => (await import('./account/routes.ts')).routes,
  },
  {
    path: '',
    canActivate: [signedIn],
    loadComponent: async () => (await import('./shell/frame.ts')).Frame,
    children: [
      {
        path: '',
        pathMatch: 'full',
        canActivate: [onlyVenue],
        loadComponent: async () => (await import('./shell/home.ts')).Home,
      },
      {
        path: 'venues/:venueId/stand',
        canActivate: [venueRole('host')],
        loadComponent: async () => (await import('./stand/stand.ts')).Stand,
      },
      {
        path: 'venues/:venueId/door',
        canActivate: [venueRole('host')],
        loadComponent: async () => (await import('./door/door.ts')).Door,
      },
      {
        path: 'account',
        loadComponent: async () => (await import('./account/profile/profile.ts')).Profile,
      },
      {
        path: 'venues/:venueId',
        loadChildren: async () => (await import('./desk/routes.ts')).routes,
      },
      {
        path: 'first-run',
        loadComponent: async () => (await import('./venue/first-run/first-run.ts')).FirstRun,
      },
      {
        path: 'venues/:venueId',
        loadChildren: async () => (await import('./venue/routes.ts')).routes,
      },
      {
        path: '**',
        loadComponent: async () => (await import('./shell/not-found.ts')).NotFound,
      },
    ],
  },
];

/** Matches addresses that begin with one of these words, without using the word up. */
function startsWith(...words: string[]): UrlMatcher {
  return ([first]) => (words.includes(first?.path ?? '') ? { consumed: [] } : null);
}
