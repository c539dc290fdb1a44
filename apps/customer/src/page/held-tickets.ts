import type { Kept } from '@queue-manager/ui/kept';

/** A ticket that this browser got. */
export type HeldTicket = {
  ticket: string;
  queueId: string;
  joinCode: string;
  number: number;
  venueName: string;
  queueName: string;
  at: number;
};

const name = 'tickets';
/** A night, and the walk home. */
const keepMs = 24 * 60 * 60 * 1_000;

export function heldTickets(kept: Kept, now: () => number = Date.now) {
  const all = () =>
    (kept.get<HeldTicket[]>(name) ?? []).filter(({ at }) => Math.abs(now() - at) < keepMs);
  const others = (ticket: string) => all().filter((held) => held.ticket !== ticket);
  return {
    all,
    of: (queueId: string) => all().filter((held) => held.queueId === queueId),
    find: (ticket: string) => all().find((held) => held.ticket === ticket),
    add: (held: Omit<HeldTicket, 'at'>) =>
      kept.set(name, [{ ...held, at: now() }, ...others(held.ticket)]),
    remove: (ticket: string) => kept.set(name, others(ticket)),
  };
}
