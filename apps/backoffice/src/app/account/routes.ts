import type { Routes } from '@angular/router';
import { signedOut } from '../session/guards.ts';

/** The links in mails lead to `verify`, `reset` and `invitations/accept`. */
export const routes: Routes = [
  {
    path: 'sign-in',
    canActivate: [signedOut],
    loadComponent: async () => (await import('./sign-in/sign-in.ts')).SignIn,
  },
  {
    path: 'sign-up',
    canActivate: [signedOut],
    loadComponent: async () => (await import('./sign-up/sign-up.ts')).SignUp,
  },
  {
    path: 'verify',
    loadComponent: async () => (await import('./verify/verify.ts')).Verify,
  },
  {
    path: 'reset',
    loadComponent: async () => (await import('./reset/reset.ts')).Reset,
  },
  {
    path: 'invitations/accept',
    loadComponent: async () => (await import('./invitation/invitation.ts')).Invitation,
  },
];
