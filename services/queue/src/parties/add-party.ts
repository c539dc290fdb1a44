import { addParty as contract, type Party } from '@queue-manager/contracts/parties';
import { route } from '@queue-manager/service-kit/route';
import { idempotent } from '../access/idempotent.ts';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { admitParty } from '../join/admit-party.ts';
import { dialablePhone } from '../join/dialable-phone.ts';
import { staffView, staffViewOf, staffViews } from './party-view.ts';

export const addParty = (deps: Deps) =>
  route(contract, async (request) => {
    const { params, body, claims } = request;
    const { queue, venue } = await queueFor(deps.db, params.queueId, claims.sub, 'host');
    const phone = dialablePhone(body.phone, venue);
    const { record, place, isRepeat, isLate } = await admitParty(
      deps,
      idempotent(contract, request, queue.id),
      venue,
      {
        ...body,
        phone,
        locale: body.locale,
        source: 'staff',
        joinedAt: body.joinedAt === undefined ? undefined : new Date(body.joinedAt),
      },
      { kind: 'staff', userId: claims.sub },
    );
    if (isLate) return staffView(deps, record);
    if (isRepeat) {
      const places = new Map(place === null ? [] : [[record.partyId, place]]);
      return (await staffViews(deps, [record], places))[0] as Party;
    }
    // Saves reading back what was just written.
    const isNotified = body.email !== null;
    return staffViewOf(deps, record, place, {
      ...body,
      phone,
      callExpiresAt: null,
      quoted: place?.estimate ?? null,
      notifications: isNotified
        ? [{ channel: 'email', kind: 'notify.joined', state: 'scheduled', at: record.joinedAt }]
        : [],
    });
  });
