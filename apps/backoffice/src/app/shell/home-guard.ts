import { inject } from '@angular/core';
import { type CanActivateFn, Router } from '@angular/router';
import { Venues } from '../session/venues.ts';
import { entries } from './navigation.ts';

/** Opens the only venue, or the first run, in place of the list of venues. */
export const onlyVenue: CanActivateFn = async () => {
  const venues = inject(Venues);
  const router = inject(Router);
  const [entry] = entries;
  const all = await venues.ready().catch(() => null);
  if (all === null) return true;
  const [venue, other] = all;
  if (venue === undefined) return router.createUrlTree(['/first-run']);
  if (entry === undefined || other !== undefined) return true;
  return router.createUrlTree(['/venues', venue.id, entry.path]);
};
