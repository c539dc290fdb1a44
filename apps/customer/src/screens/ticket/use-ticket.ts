import { pathTo } from '@queue-manager/client/client';
import type { Position } from '@queue-manager/contracts/positions';
import { kept } from '@queue-manager/ui/kept';
import { useEffect } from 'react';
import { read } from '../../page/api.ts';
import { heldTickets } from '../../page/held-tickets.ts';
import { useLive } from '../../page/use-live.ts';
import { seenTickets } from './seen-tickets.ts';
import { newerTicket, type TicketValue, withPosition } from './ticket-state.ts';

/** How long the party waits for its place to be shown. */
const positionMs = 2_000;

/** A ticket and its place, which move with the line. */
export function useTicket(ticket: string) {
  const { snapshot, live } = useLive<TicketValue, Position>(ticket, () => ({
    async read(signal) {
      const options = { params: { ticket }, signal };
      const late = new Promise<undefined>((resolve) => setTimeout(resolve, positionMs));
      const [party, position] = await Promise.all([
        read('getTicket', options),
        // Without the position service, everything else still works.
        Promise.race([read('getPosition', options).catch(() => undefined), late]),
      ]);
      const isLineDeleted = position === null;
      return party && { party, position: position ?? null, isLineDeleted };
    },
    stream: (known) =>
      known?.isLineDeleted
        ? null
        : { url: pathTo('liveTicket', { params: { ticket } }), event: 'position' },
    merge: withPosition,
    newer: newerTicket,
    initial: seenTickets(kept).get(ticket),
  }));

  const { value, state, asOf } = snapshot;
  useEffect(() => {
    const seen = seenTickets(kept);
    if (state === 'gone') {
      seen.remove(ticket);
      heldTickets(kept).remove(ticket);
    } else if (state === 'live' && value !== null && asOf !== null) {
      seen.set({ ticket, value, asOf });
    }
  }, [ticket, state, value, asOf]);

  return { snapshot, live };
}
