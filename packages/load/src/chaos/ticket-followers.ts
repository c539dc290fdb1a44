import { setTimeout as delay } from 'node:timers/promises';
import { getPosition, type Position } from '@queue-manager/contracts/positions';
import { type EventSource, followEvents } from '@queue-manager/service-kit/testing/event-source';
import { type Caller, succeed } from '../callers/retrying-caller.ts';
import type { Violation } from './ledger.ts';

/** Each holds a connection until the end of the run. */
const followersMax = 60;
const patienceMsDefault = 30_000;
const pollMs = 100;

/** Guests who follow their tickets as browsers do, through every restart. */
export interface TicketFollowers {
  /** Follows the ticket of a party that has joined, unless many are followed already. */
  follow(ticket: string): void;
  /** Compares what each stream showed last with what its guest reads now, and closes the streams. */
  check(
    caller: Caller,
    signal: AbortSignal,
  ): Promise<{ followed: number; violations: Violation[] }>;
}

/** @param patienceMs how long all streams together may take to show what their guests read. */
export function createTicketFollowers(
  gatewayUrl: string,
  patienceMs = patienceMsDefault,
): TicketFollowers {
  const sources = new Map<string, EventSource>();

  const shownBy = ({ events }: EventSource): Position | null => {
    const data = events.at(-1)?.data;
    return data === undefined ? null : JSON.parse(data);
  };

  return {
    follow(ticket) {
      if (sources.size >= followersMax) return;
      sources.set(ticket, followEvents(`${gatewayUrl}/v1/live/tickets/${ticket}`));
    },
    async check(caller, signal) {
      const violations: Violation[] = [];
      const deadline = performance.now() + patienceMs;
      for (const [ticket, source] of sources) {
        const now = await succeed(caller, getPosition, { params: { ticket } });
        const isRight = () => {
          const shown = shownBy(source);
          return shown?.state === now.state && shown.position === now.position;
        };
        // A client that has just lost its stream reconnects within seconds.
        while (!isRight() && performance.now() < deadline) {
          await delay(pollMs, undefined, { signal });
        }
        source.close();
        if (isRight()) continue;
        const shown = shownBy(source);
        const refusal = source.statuses.find((status) => status !== 200);
        const why = refusal === undefined ? '' : `; its stream was refused with ${refusal}`;
        const what = `a stream shows ${shown?.state ?? 'nothing'} ${shown?.position ?? ''} to a guest who is ${now.state} ${now.position ?? ''}${why}`;
        violations.push({ what, atMs: null });
      }
      return { followed: sources.size, violations };
    },
  };
}
