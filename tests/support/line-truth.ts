import assert from 'node:assert/strict';
import { PartySnapshot } from '@queue-manager/contracts/events';
import { type HistoryEvent, listQueueEvents } from '@queue-manager/contracts/history';
import { getOccupancy } from '@queue-manager/contracts/occupancy';
import { lanes, partyStates } from '@queue-manager/contracts/parties';
import { getBoard, getPosition } from '@queue-manager/contracts/positions';
import { getQueue } from '@queue-manager/contracts/queues';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { testEnv, until } from '@queue-manager/service-kit/testing';
import { createPool, type RowDataPacket } from 'mysql2/promise';
import type { LineModel, Recorded } from './line-model.ts';
import type { Pressed } from './line-presses.ts';
import { allParties } from './lines.ts';
import { succeed } from './system.ts';

/** Maximum number of parties on a board. */
const boardCalledMax = 20;

/** Reads the running system's MySQL directly. */
export function openTruth() {
  const pool = createPool({
    uri: testEnv('SYSTEM_MYSQL_URL'),
    connectionLimit: 8,
    timezone: 'Z',
  });
  const read = async (statement: string, values: unknown[]) =>
    (await pool.query<RowDataPacket[]>(statement, values))[0];
  return {
    close: () => pool.end(),

    /** Makes a queue as if it had been created two hours ago: nobody joins before that. */
    async ageQueue(queueId: string): Promise<void> {
      await pool.query('UPDATE queues SET created_at = created_at - INTERVAL 2 HOUR WHERE id = ?', [
        uuidToBytes(queueId),
      ]);
    },

    /** The events of a queue after `seq`, oldest first. */
    async events(queueId: string, behind = 0): Promise<Recorded[]> {
      const rows = await read(
        `SELECT seq, type, party_id, CAST(data AS CHAR) AS data FROM events
         WHERE queue_id = ? AND seq > ? ORDER BY seq`,
        [uuidToBytes(queueId), behind],
      );
      return rows.map(({ seq, type, party_id, data }) => {
        const { previousState = null, party } = JSON.parse(data);
        return {
          seq,
          type,
          partyId: party_id === null ? null : bytesToUuid(party_id),
          previousState,
          party: party === undefined ? null : PartySnapshot.parse(party),
        };
      });
    },

    /** The rows of a queue's parties, in the order of the line. */
    async parties(queueId: string) {
      const rows = await read(
        `SELECT id, state, size, lane, snoozes, calls, possible_duplicate, seq FROM parties
         WHERE queue_id = ? ORDER BY lane, order_key, id`,
        [uuidToBytes(queueId)],
      );
      return rows.map((row) => ({
        id: bytesToUuid(row.id),
        state: row.state,
        size: row.size,
        lane: lanes[row.lane],
        snoozes: row.snoozes,
        calls: row.calls,
        possibleDuplicate: row.possible_duplicate === 1,
        seq: row.seq,
      }));
    },

    /** The counters of a queue and of its venue. */
    async counters(queueId: string) {
      const rows = await read(
        `SELECT q.seq, q.waiting, q.called, q.state, q.max_waiting, v.occupancy
         FROM queues AS q JOIN venues AS v ON v.id = q.venue_id WHERE q.id = ?`,
        [uuidToBytes(queueId)],
      );
      return { ...rows[0] };
    },
  };
}

export type Truth = ReturnType<typeof openTruth>;

/** Checks that the model agrees with MySQL, the staff's lists, every guest's position and the board. */
export async function assertAgreement(
  truth: Truth,
  line: Pressed,
  model: LineModel,
): Promise<void> {
  const { token, queueId, venueId, tickets } = line;
  const order = model.order();
  const ranks = new Map(model.waiting().map(({ id }, index) => [id, index + 1]));
  const waiting = ranks.size;

  const rows = order.map((id) => {
    const { at, state, size, calls, snoozes, possibleDuplicate, seq } = model.party(id);
    return { id, state, size, lane: at.lane, snoozes, calls, possibleDuplicate, seq };
  });
  const [parties, counters, queue, occupancy, listed] = await Promise.all([
    truth.parties(queueId),
    truth.counters(queueId),
    succeed(getQueue, { token, params: { queueId } }),
    succeed(getOccupancy, { token, params: { venueId } }),
    allParties(token, queueId, partyStates.join(',')),
  ]);
  assert.deepEqual(parties, rows, 'the rows of MySQL');
  const called = model.count('called');
  assert.deepEqual(
    counters,
    {
      seq: model.seq,
      waiting,
      called,
      state: model.state,
      max_waiting: model.maxWaiting,
      occupancy: model.occupancy,
    },
    'the counters of MySQL',
  );
  assert.deepEqual(
    { waiting: queue.waiting, called: queue.called, state: queue.state },
    { waiting, called, state: model.state },
    'the queue as staff see it',
  );
  assert.equal(occupancy.occupancy, model.occupancy, 'the occupancy as staff see it');
  assert.deepEqual(
    listed.map(({ id, state, lane, size }) => ({ id, state, lane, size })),
    rows.map(({ id, state, lane, size }) => ({ id, state, lane, size })),
    'the list of staff',
  );

  const [history, recorded] = await Promise.all([allEvents(token, queueId), truth.events(queueId)]);
  assert.deepEqual(
    history.map(({ seq, type, partyId, previousState }) => ({ seq, type, partyId, previousState })),
    recorded.map(({ seq, type, partyId, previousState }) => ({
      seq,
      type,
      partyId,
      previousState,
    })),
    'the events as staff see them',
  );

  const left = [...order];
  const readPlaces = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) await assertPlace(id);
  };
  async function assertPlace(id: string): Promise<void> {
    const { state } = model.party(id);
    const position = ranks.get(id) ?? null;
    const ticket = tickets.get(id) ?? '';
    // A position as of the last event must be right; an older one is read again.
    const told = await until(`a guest's place knows of event ${model.seq}`, async () => {
      const answer = await succeed(getPosition, { params: { ticket } });
      return answer.seq >= model.seq ? answer : null;
    });
    assert.deepEqual(
      { state: told.state, position: told.position, ahead: told.ahead, seq: told.seq },
      { state, position, ahead: position === null ? null : position - 1, seq: model.seq },
      `the place of ${id}`,
    );
    assert.equal(told.waiting, waiting, `how many wait, as ${id} is told`);
  }
  await Promise.all(Array.from({ length: 20 }, readPlaces));
  if (order.length === 0) return;
  const board = await succeed(getBoard, { params: { queueId } });
  const numbers = new Map(listed.map(({ id, number }) => [id, String(number)]));
  assert.deepEqual(
    { waiting: board.waiting, state: board.state },
    { waiting, state: model.state },
    'the board',
  );
  const labels = board.called.map(({ label }) => label);
  const calledNumbers = order
    .filter((id) => model.party(id).state === 'called')
    .map((id) => numbers.get(id) ?? '');
  assert.equal(labels.length, Math.min(called, boardCalledMax), 'how many are called on the board');
  assert.deepEqual(
    labels.filter((label) => !calledNumbers.includes(label)),
    [],
    'who is on the board and was not called',
  );
}

/** All events of a queue, as staff read them. */
async function allEvents(token: string, queueId: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const page: { data: HistoryEvent[]; nextCursor: string | null } = await succeed(
      listQueueEvents,
      {
        token,
        params: { queueId },
        query: { limit: 100, ...(cursor === undefined ? {} : { cursor }) },
      },
    );
    events.push(...page.data);
    cursor = page.nextCursor;
  }
  return events;
}
