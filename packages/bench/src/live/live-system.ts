import { setTimeout as delay } from 'node:timers/promises';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { createTicketCodec, type TicketKey } from '@queue-manager/service-kit/tickets';
import type { RowDataPacket } from 'mysql2';
import { env, openRunningSystem } from '../measure/running-system.ts';

/** Where guests read their positions. */
export type Door = 'position service' | 'gateway';
export const doors: readonly Door[] = ['position service', 'gateway'];

const projectMsMax = 300_000;

export async function openLiveSystem() {
  const ticketKeys: TicketKey[] = JSON.parse(env('TICKET_KEYS'));
  const tickets = createTicketCodec(ticketKeys);
  const system = await openRunningSystem();
  return {
    ...system,
    redisUrl: env('REDIS_URL'),
    ticketKeys,
    ticketOf: (queueId: string, partyId: string) => tickets.issue({ queueId, partyId }),
    /** Ids of a queue's parties in the order of the line. */
    async partyIds(queueId: string): Promise<Buffer[]> {
      const [rows] = await system.db.query<RowDataPacket[]>(
        'SELECT id FROM parties WHERE queue_id = ? ORDER BY lane, order_key',
        [uuidToBytes(queueId)],
      );
      return rows.map(({ id }) => id);
    },
    /** Ids of the parties with these numbers. */
    async partyIdsByNumber(queueId: string, numbers: number[]): Promise<Buffer[]> {
      const [rows] = await system.db.query<RowDataPacket[]>(
        'SELECT id FROM parties WHERE queue_id = ? AND number IN (?) ORDER BY number',
        [uuidToBytes(queueId), numbers],
      );
      return rows.map(({ id }) => id);
    },
    /**
     * Waits until the position service has projected a queue that was filled past it. It asks for a guest's
     * position: the projection of the queue alone may still be the empty one, which is complete as far as it knows.
     */
    async project(path: string): Promise<void> {
      const deadline = performance.now() + projectMsMax;
      for (;;) {
        const answer = await fetch(`${system.urls['position service']}${path}`);
        await answer.arrayBuffer();
        if (answer.ok) return;
        if (answer.status !== 503 || performance.now() > deadline) {
          throw new Error(`a position in a queue: ${answer.status}`);
        }
        await delay(100);
      }
    },
  };
}

export type LiveSystem = Awaited<ReturnType<typeof openLiveSystem>>;
