import { inject } from '@angular/core';
import { type CanActivateFn, RedirectCommand, Router } from '@angular/router';
import { Session } from './session.ts';
import { type Role, Venues } from './venues.ts';

/** Where to go on after signing in. */
export const returnToParam = 'returnTo';

export const signedIn: CanActivateFn = (_route, { url }) => {
  if (inject(Session).account() !== null) return true;
  const queryParams = url === '/' ? {} : { [returnToParam]: url };
  return inject(Router).createUrlTree(['/sign-in'], { queryParams });
};

export const signedOut: CanActivateFn = ({ queryParams }) => {
  if (inject(Session).account() === null) return true;
  return inject(Router).parseUrl(returnUrl(queryParams[returnToParam]));
};

/** The address in the parameter if it is one of this app. */
export function returnUrl(wanted: unknown): string {
  return typeof wanted === 'string' && /^\/(?!\/)/.test(wanted) ? wanted : '/';
}

/**
 * Lets those into the routes of a venue who have this role there; shows everybody else that there is no such page, as
 * the API does.
 */
export function venueRole(wanted: Role): CanActivateFn {
  return async ({ paramMap }) => {
    const venues = inject(Venues);
    const router = inject(Router);
    const venueId = paramMap.get('venueId') ?? '';
    try {
      await venues.ready();
      // A venue that has just been created, or joined in another tab.
      if (venues.find(venueId) === null) await venues.read();
    } catch {
      // The server cannot be reached; what is known decides.
    }
    if (venues.may(venueId, wanted)) return true;
    return new RedirectCommand(router.parseUrl('/not-found'), { skipLocationChange: true });
  };
}
