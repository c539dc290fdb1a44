import { listParties, type Party } from '@queue-manager/contracts/parties';
import { getPosition } from '@queue-manager/contracts/positions';
import { createQueue, type Queue } from '@queue-manager/contracts/queues';
import { createVenue, type Venue } from '@queue-manager/contracts/venues';
import { until } from '@queue-manager/service-kit/testing';
import { openAccount, type TestAccount } from './accounts.ts';
import { call, succeed } from './system.ts';

export type TestVenue = { owner: TestAccount; venue: Venue };

/** A new venue with a new owner. */
export async function openVenue(name = 'Test Kitchen'): Promise<TestVenue> {
  const owner = await openAccount();
  const venue = await succeed(createVenue, {
    token: owner.token,
    body: { name, timezone: 'Europe/Lisbon' },
  });
  return { owner, venue };
}

type QueueSettings = {
  name?: string;
  text?: string;
  maxWaiting?: number;
  maxPartySize?: number;
  selfJoin?: boolean;
  boardLabels?: 'number' | 'name';
};

/** A new, open queue of a venue. */
export function openQueueOf(
  { owner, venue }: TestVenue,
  settings: QueueSettings = {},
): Promise<Queue> {
  return succeed(createQueue, {
    token: owner.token,
    params: { venueId: venue.id },
    body: { name: 'Tables', ...settings },
  });
}

/** Every party in these states, in the order of the line. */
export async function allParties(
  token: string,
  queueId: string,
  state = 'waiting',
  limit = 100,
): Promise<Party[]> {
  const parties: Party[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const page: { data: Party[]; nextCursor: string | null } = await succeed(listParties, {
      token,
      params: { queueId },
      query: { state, limit, ...(cursor === undefined ? {} : { cursor }) },
    });
    parties.push(...page.data);
    cursor = page.nextCursor;
  }
  return parties;
}

/**
 * Waits until a ticket has the expected position. It has it right after a change, unless the projection was slow.
 */
export async function awaitPosition(ticket: string, position: number | null): Promise<void> {
  await until(`a guest stands at ${position}`, async () => {
    const answer = await call(getPosition, { params: { ticket } });
    return answer.ok && answer.body.position === position;
  });
}
