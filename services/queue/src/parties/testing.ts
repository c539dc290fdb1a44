import assert from 'node:assert/strict';
import type { Lane, Party } from '@queue-manager/contracts/parties';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Answer, QueueService } from '../testing.ts';

/** Why the tests move a party. */
export const moveReason = 'Grandmother cannot stand';

/** The body of an answer that must be a success. */
export function done(answer: Answer): Answer['body'] {
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

/** Opens a queue with `count` waiting parties, with calls that change their places. */
export async function openLineOf(
  service: QueueService,
  count: number,
  laneAt: (index: number) => Lane = () => 'regular',
) {
  const line = await service.openLine();
  const parties: Party[] = [];
  for (let index = 0; index < count; index += 1) {
    const body = { name: `Guest ${index + 1}`, lane: laneAt(index) };
    parties.push((await service.add(line.queueId, line.owner, body)).body);
  }
  const put = (party: Party, position: number, key?: string) =>
    service.move(party, 'move', line.owner, key, { position, reason: moveReason });
  const snooze = (party: Party, places: number, key?: string) =>
    service.move(party, 'snooze', line.owner, key, { places });
  const giveUpCall = (party: Party, places: number, key?: string) =>
    service.move(party, 'snooze', line.owner, key, { places, giveUpCall: true });
  const act = async (party: Party, move: string) => {
    const answer = await service.move(party, move, line.owner);
    done(answer);
    return answer;
  };
  /** Numbers of the waiting parties, first to last. */
  const order = async () =>
    (await service.listAll(line.queueId, line.owner, '&state=waiting')).map(({ number }) => number);
  return { ...line, parties, put, snooze, giveUpCall, act, order };
}

/** The rows of a queue's parties, in the order of their places. */
export function partyRows({ db }: QueueService, queueId: string) {
  return db
    .selectFrom('parties')
    .selectAll()
    .where('queue_id', '=', uuidToBytes(queueId))
    .orderBy('lane')
    .orderBy('order_key')
    .execute();
}
