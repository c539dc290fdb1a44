import { isInLine } from '@queue-manager/contracts/party-moves';
import { kept } from '@queue-manager/ui/kept';
import { useEffect, useState } from 'react';
import { read } from './api.ts';
import { type HeldTicket, heldTickets } from './held-tickets.ts';

/** The tickets that this browser got, of one queue or of all, and that are still in line. */
export function useHeldInLine(queueId?: string): readonly HeldTicket[] {
  const [held, setHeld] = useState(() => ticketsOf(queueId));
  useEffect(() => {
    for (const { ticket } of ticketsOf(queueId)) {
      const drop = () => setHeld((known) => known.filter((other) => other.ticket !== ticket));
      read('getTicket', { params: { ticket } })
        .then((party) => {
          if (party === null) heldTickets(kept).remove(ticket);
          if (party === null || !isInLine(party.state)) drop();
        })
        // Better shown than missing.
        .catch(() => {});
    }
  }, [queueId]);
  return held;
}

function ticketsOf(queueId: string | undefined): HeldTicket[] {
  const held = heldTickets(kept);
  return queueId === undefined ? held.all() : held.of(queueId);
}
