import type { Routes } from '@angular/router';
import { signedOut } from '../session/guards.ts';

export const routes: Routes = [
  {
    path: 'sign-in',
    canActivate: [signedOut],
    loadComponent: async () => (await import('./sign-in/sign-in.ts')).SignIn,
  },
];
