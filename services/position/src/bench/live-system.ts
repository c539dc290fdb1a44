import { setTimeout as delay } from 'node:timers/promises';
import { ownerHeaders } from '@queue-manager/queue/bench/owner';
import { openDatabase } from '@queue-manager/queue/db/database';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { createTicketCodec, type TicketKey } from '@queue-manager/service-kit/tickets';

/** Where a guest may ask: at the service itself, or where guests do ask. */
export type Door = 'position service' | 'gateway';
export const doors: readonly Door[] = ['position service', 'gateway'];

const projectMsMax = 300_000;

function env(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run npm run bench -- live`);
  return value;
}

/** The running system as the bench uses it: a venue of an owner of its own. */
export async function openLiveSystem() {
  const urls: Record<Door | 'queue service', string> = {
    'position service': env('POSITION_SERVICE_URL').split(',')[0] as string,
    'queue service': env('QUEUE_SERVICE_URL'),
    gateway: env('GATEWAY_URL'),
  };
  const ticketKeys: TicketKey[] = JSON.parse(env('TICKET_KEYS'));
  const credential = env('INTERNAL_CREDENTIAL');
  const tickets = createTicketCodec(ticketKeys);
  const db = openDatabase({ url: env('MYSQL_URL'), poolSize: 2 });
  const headers = await ownerHeaders(env('TOKEN_KEYS'));

  async function post(door: keyof typeof urls, path: string, body: object): Promise<unknown> {
    const answer = await fetch(`${urls[door]}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }
  const made = async (path: string, body: object) =>
    (await post('queue service', path, body)) as { id: string };
  const { id: venueId } = await made('/v1/venues', { name: 'Bench', timezone: 'UTC' });

  async function metrics(door: Door): Promise<string> {
    const answer = await fetch(`${urls[door]}/metrics`, {
      headers: { [credentialHeader]: credential },
    });
    return answer.text();
  }
  const metric = async (door: Door, name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await metrics(door))?.[1]);

  return {
    urls,
    db,
    post,
    redisUrl: env('REDIS_URL'),
    ticketKeys,
    ticketOf: (queueId: string, partyId: string) => tickets.issue({ queueId, partyId }),
    /** A line whose calls are not answered while the bench runs. */
    async makeLine(): Promise<string> {
      const path = `/v1/venues/${venueId}/queues`;
      return (await made(path, { name: 'Line', callGraceSeconds: 3_600 })).id;
    },
    /**
     * Waits until the position service knows a line that was filled behind its back, which takes a long one a while.
     * It goes by one of the guests: the line as it was before, empty, is whole for all that it can know.
     */
    async project(path: string): Promise<void> {
      const deadline = performance.now() + projectMsMax;
      for (;;) {
        const answer = await fetch(`${urls['position service']}${path}`);
        await answer.arrayBuffer();
        if (answer.ok) return;
        if (answer.status !== 503 || performance.now() > deadline) {
          throw new Error(`a position of a line: ${answer.status}`);
        }
        await delay(100);
      }
    },
    /** Seconds of a core that a process has used. */
    cpuSeconds: (door: Door) => metric(door, 'process_cpu_seconds_total'),
    residentBytes: (door: Door) => metric(door, 'process_resident_memory_bytes'),
    close: () => db.destroy(),
  };
}

export type LiveSystem = Awaited<ReturnType<typeof openLiveSystem>>;
