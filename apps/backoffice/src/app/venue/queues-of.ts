import { inject, type ResourceRef, resource } from '@angular/core';
import { everyItem, type Success } from '@queue-manager/client/client';
import { Api } from '../session/api.ts';

export type Queue = Success<'getQueue'>;

/** The queues of a venue, read once the screen is there. */
export function injectQueues(venueId: () => string): ResourceRef<Queue[] | undefined> {
  const api = inject(Api);
  return resource({
    params: venueId,
    loader: ({ params }) =>
      Array.fromAsync(
        everyItem((page) =>
          api.succeed('listQueues', {
            params: { venueId: params },
            query: { limit: 100, ...page },
          }),
        ),
      ),
  });
}
