import { publishMessage as contract } from '@queue-manager/contracts/broker';
import { invalidField, problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { idempotencyOf } from './idempotency-of.ts';

/** The body is the text of the JSON: its schema is for the documentation. */
export const publishMessage = ({ store, venues }: Pick<Deps, 'store' | 'venues'>) => {
  const options = route(contract, async function publishMessage(request) {
    const { venueId } = request.apiKey;
    const body = (request.body as unknown as string | undefined) ?? '';
    if (body === '') throw invalidField('body', 'is required');
    const idempotency = idempotencyOf(request);
    const id = await venues.run(venueId, () => store.publish({ venueId, body, idempotency }));
    if (id === null) throw problems.unauthenticated({ detail: 'The venue has been deleted.' });
    return { id };
  });
  const { body: _, ...schema } = options.schema ?? {};
  return { ...options, schema };
};
