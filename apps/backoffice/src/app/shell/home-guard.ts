import { inject } from '@angular/core';
import { type CanActivateFn, Router } from '@angular/router';
import { Venues } from '../session/venues.ts';
import { entries } from './navigation.ts';

/** Opens the only venue in place of the list of venues. */
export const onlyVenue: CanActivateFn = async () => {
  const venues = inject(Venues);
  const router = inject(Router);
  const [entry] = entries;
  const [venue, other] = await venues.ready().catch(() => []);
  if (entry === undefined || venue === undefined || other !== undefined) return true;
  return router.createUrlTree(['/venues', venue.id, entry.path]);
};
