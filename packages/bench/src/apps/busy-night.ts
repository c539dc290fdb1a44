import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@queue-manager/client/client';
import type { Party } from '@queue-manager/contracts/parties';

const changesPerSecond = 10;

export type BusyNight = {
  /** How many changes were made. */
  changes(): number;
  /** Takes a party that was called at the stand out of the line, and adds another one. */
  replace(partyId: string): Promise<void>;
  stop(): Promise<void>;
};

/**
 * Makes ten changes of a line a second, as guests and other stands do. The line stays as long as it is, as do the parts
 * of those who are called and seated; those whose visit has ended become more.
 */
export function startBusyNight(
  client: Client,
  queueId: string,
  token: () => Promise<string>,
): BusyNight {
  const [added, called, seated]: [string[], string[], string[]] = [[], [], []];
  let changes = 0;
  let guests = 0;
  let isOver = false;

  async function join(): Promise<void> {
    guests += 1;
    const body = { name: `Guest ${guests}`, size: 1 + (guests % 6) };
    const params = { queueId };
    const { id } = await client.succeed('addParty', { token: await token(), params, body });
    added.push(id);
  }

  async function callNext(): Promise<void> {
    const given = { token: await token(), params: { queueId }, body: {} };
    called.push((await client.succeed('callNext', given)).id);
  }

  async function edit(): Promise<void> {
    const partyId = added.at(-1);
    if (partyId === undefined) return;
    const body = { notes: `Table ${guests}` };
    await client.succeed('updateParty', { token: await token(), params: { partyId }, body });
  }

  async function end(
    route: 'seatParty' | 'noShowParty' | 'departParty' | 'removeParty',
    partyId: string | undefined,
  ): Promise<Party | null> {
    if (partyId === undefined) return null;
    return client.succeed(route, { token: await token(), params: { partyId }, body: {} });
  }

  async function seat(): Promise<void> {
    const party = await end('seatParty', called.shift());
    if (party !== null) seated.push(party.id);
  }

  const steps: (() => Promise<unknown>)[] = [
    join,
    callNext,
    edit,
    seat,
    join,
    () => end('removeParty', added.pop()),
    callNext,
    join,
    () => end('noShowParty', called.shift()),
    () => end('departParty', seated.shift()),
  ];

  async function play(): Promise<void> {
    const startedAt = performance.now();
    for (let step = 0; !isOver; step += 1) {
      const dueAt = startedAt + (step * 1_000) / changesPerSecond;
      await delay(Math.max(0, dueAt - performance.now()));
      await steps[step % steps.length]?.();
      changes += 1;
    }
  }

  const played = play();
  // Reported by `stop`.
  played.catch(() => {});
  return {
    changes: () => changes,
    async replace(partyId) {
      await end('removeParty', partyId);
      await join();
    },
    async stop() {
      isOver = true;
      await played;
    },
  };
}
