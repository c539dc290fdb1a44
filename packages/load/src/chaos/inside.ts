import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { PartyEventData } from '@queue-manager/contracts/events';
import { createDeadLetters, type DeadLetter } from '@queue-manager/events/dead-letters';
import { brokerName, type QueueName, queueNames } from '@queue-manager/events/topology';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createPool, type RowDataPacket } from 'mysql2/promise';

/** An event of a queue in MySQL. `data` is that of a party event when there is a party. */
export interface EventRecord {
  seq: number;
  type: string;
  partyId: string | null;
  data: PartyEventData;
}

/** The state of the system behind its API. */
export interface Inside {
  /** Descriptions of unfinished work; empty when the system is idle. */
  unfinished(): Promise<string[]>;
  /** Every event of a queue, ordered by `seq`. */
  events(queueId: string): Promise<EventRecord[]>;
  /** The dead letters of each queue that has some. */
  deadLetters(): Promise<Map<QueueName, DeadLetter[]>>;
  close(): Promise<void>;
}

/** Tasks due within this time are waited for; later ones are not. */
const soonMs = 60 * 60_000;
const deadLetterReads = { most: 1_000, hiddenSeconds: 30 };

/** @param env has the addresses of the stores, as services get them. */
export function lookInside(env: Record<string, string>): Inside {
  const database = createPool({
    uri: env.MYSQL_URL ?? '',
    connectionLimit: 2,
    timezone: 'Z',
    jsonStrings: true,
  });
  const sqs = new SQSClient({
    endpoint: env.AWS_ENDPOINT_URL_SQS ?? '',
    region: env.AWS_REGION ?? '',
    credentials: {
      accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
    },
  });
  const prefix = env.SQS_PREFIX ?? '';

  async function rows<T>(statement: string, values: unknown[] = []): Promise<T[]> {
    const [found] = await database.query<RowDataPacket[]>(statement, values);
    return found as T[];
  }

  /** Messages of a queue: visible, delayed and being handled. */
  async function messagesIn(name: string): Promise<number> {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
  }

  return {
    async unfinished() {
      const found: string[] = [];
      const note = (count: number, what: string) => {
        if (count > 0) found.push(`${count} ${what}`);
      };
      // In the direction in which work flows, so that none slips past between two looks.
      const [outbox] = await rows<{ count: number }>(
        'SELECT COUNT(*) AS count FROM events WHERE relay_at IS NOT NULL',
      );
      note(outbox?.count ?? 0, 'events in the outbox');
      const [behind] = await rows<{ count: number }>(
        `SELECT COUNT(*) AS count FROM feed_cursors AS c
         JOIN queues AS q ON q.venue_id = c.venue_id AND q.id = c.queue_id WHERE q.seq > c.seq`,
      );
      note(behind?.count ?? 0, 'queues with events for the feed');
      const soon = new Date(Date.now() + soonMs);
      const tasks = await rows<{ state: string; count: number }>(
        `SELECT state, COUNT(*) AS count FROM tasks
         WHERE state = 'running' OR (state = 'scheduled' AND run_at <= ?) GROUP BY state`,
        [soon],
      );
      for (const { state, count } of tasks) note(count, `tasks ${state}`);
      for (const queue of queueNames) {
        note(await messagesIn(brokerName(prefix, queue)), `messages in ${queue}`);
      }
      return found;
    },

    async events(queueId) {
      const found = await rows<{
        seq: number;
        type: string;
        party_id: Buffer | null;
        data: string;
      }>('SELECT seq, type, party_id, data FROM events WHERE queue_id = ? ORDER BY seq', [
        uuidToBytes(queueId),
      ]);
      return found.map(({ seq, type, party_id, data }) => ({
        seq,
        type,
        partyId: party_id === null ? null : bytesToUuid(party_id),
        data: JSON.parse(data) as PartyEventData,
      }));
    },

    async deadLetters() {
      const deadLetters = createDeadLetters({ sqs, prefix });
      const found = new Map<QueueName, DeadLetter[]>();
      for (const queue of queueNames) {
        const letters = await deadLetters.read(queue, deadLetterReads);
        if (letters.length > 0) found.set(queue, letters);
      }
      return found;
    },

    async close() {
      await database.end();
      sqs.destroy();
    },
  };
}
