import { addParty as contract, type Party } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { admitParty } from '../join/admit-party.ts';
import { staffViews } from './party-view.ts';

export const addParty = (deps: Deps) =>
  route(contract, async ({ params, body, claims, idempotencyKey }) => {
    const { queue, venue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    const { record, place } = await admitParty(
      deps,
      {
        key: idempotencyKey,
        caller: claims.sub,
        operationId: contract.operationId,
        target: queue.id,
        body,
      },
      venue,
      { ...body, locale: body.locale, source: 'staff' },
      { kind: 'staff', userId: claims.sub },
    );
    const places = new Map(place === null ? [] : [[record.partyId, place]]);
    return (await staffViews(deps, [record], places))[0] as Party;
  });
