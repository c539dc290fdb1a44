import { requeueDeadMessage as contract } from '@queue-manager/contracts/broker';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { idempotencyOf } from './idempotency-of.ts';

export const requeueDeadMessage = ({ store, venues }: Pick<Deps, 'store' | 'venues'>) =>
  route(contract, async function requeueDeadMessage(request) {
    const { venueId } = request.apiKey;
    const { id } = request.params;
    const idempotency = idempotencyOf(request);
    const isDone = await venues.run(venueId, () => store.requeue({ venueId, id, idempotency }));
    if (!isDone) throw problems.notFound({ detail: 'There is no such dead message.' });
    return { id };
  });
