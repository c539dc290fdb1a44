import { isInLine } from '@queue-manager/contracts/party-moves';
import { useEffect, useState } from 'react';
import { read } from '../../page/api.ts';
import { type HeldTicket, heldTickets } from '../../page/held-tickets.ts';
import { kept } from '../../page/storage.ts';

/** The tickets of a queue that this browser got and that are still in line. */
export function useHeldInLine(queueId: string): readonly HeldTicket[] {
  const [held, setHeld] = useState(() => heldTickets(kept).of(queueId));
  useEffect(() => {
    for (const { ticket } of heldTickets(kept).of(queueId)) {
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
