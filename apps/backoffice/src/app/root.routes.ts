import type { Routes } from '@angular/router';

/** Every room is loaded with its first screen. */
export const routes: Routes = [
  { path: '**', loadComponent: async () => (await import('./shell/not-found.ts')).NotFound },
];
