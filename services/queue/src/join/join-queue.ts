import { joinQueue as contract } from '@queue-manager/contracts/guests';
import { route } from '@queue-manager/service-kit/route';
import { ticketUrlOf } from '../access/guest-links.ts';
import { queueByJoinCode } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { admitParty } from './admit-party.ts';
import { dialablePhone } from './dialable-phone.ts';

export const joinQueue = (deps: Deps) =>
  route(contract, async ({ params, body, idempotencyKey }, reply) => {
    // The ticket is for this guest alone.
    reply.header('cache-control', 'no-store');
    const { queue, venue } = await queueByJoinCode(deps.db, params.joinCode);
    const { record, place } = await admitParty(
      deps,
      {
        key: idempotencyKey,
        caller: 'public',
        operationId: contract.operationId,
        target: queue.id,
        body,
      },
      venue,
      {
        ...body,
        phone: dialablePhone(body.phone, venue),
        locale: body.locale,
        lane: 'regular',
        notes: null,
        source: 'guest',
      },
      { kind: 'guest' },
    );
    const ticket = deps.tickets.issue(record);
    return {
      ticket,
      ticketUrl: ticketUrlOf(deps, ticket),
      number: record.number,
      position: place?.position ?? null,
      estimate: place?.estimate ?? null,
    };
  });
