import type { Kept } from '@queue-manager/ui/kept';
import type { TicketValue } from './ticket-state.ts';

/** What this browser last saw of a ticket: shown without network. */
type Seen = { ticket: string; value: TicketValue; asOf: number };

const name = 'seen';
const seenMax = 5;
const keepMs = 24 * 60 * 60 * 1_000;

export function seenTickets(kept: Kept, now: () => number = Date.now) {
  const all = () =>
    (kept.get<Seen[]>(name) ?? []).filter(({ asOf }) => Math.abs(now() - asOf) < keepMs);
  const others = (ticket: string) => all().filter((seen) => seen.ticket !== ticket);
  return {
    get: (ticket: string) => all().find((seen) => seen.ticket === ticket),
    set: (seen: Seen) => kept.set(name, [seen, ...others(seen.ticket)].slice(0, seenMax)),
    remove: (ticket: string) => kept.set(name, others(ticket)),
  };
}
