import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { limits } from '@queue-manager/contracts/values';
import type { Clock } from '@queue-manager/service-kit/clock';
import { daySeconds } from '@queue-manager/service-kit/durations';
import { problems } from '@queue-manager/service-kit/problems';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import type { LabelsOf } from '@queue-manager/service-kit/telemetry/metrics-list';
import { answerKey, readyChannel, venueKeys } from './venue-keys.ts';

export type StoredMessage = {
  id: string;
  /** JSON, as it was published. */
  body: string;
  deliveries: number;
};
export type DeadMessage = StoredMessage & { cid: string };

export type Delivery = {
  messages: StoredMessage[];
  /** When the next locked message is unlocked, in epoch milliseconds; null if none is, or if there are messages. */
  unlockAt: number | null;
};

export type Stats = {
  ready: number;
  locked: number;
  dead: number;
  oldestAgeSeconds: number;
  consumers: { cid: string; locked: number }[];
};

export type BacklogLimits = {
  messagesMax: number;
  bytesMax: number;
  ageDaysMax: number;
  /** Idempotent calls in 24 hours. */
  keysMax: number;
};

export type Publishing = {
  venueId: string;
  /** JSON. */
  body: string;
  /** Makes repeats of a call get the first answer for 24 hours. `caller` separates the keys of several callers. */
  idempotency?: { caller: string; key: string } | undefined;
  /** Whether the limit of idempotent calls applies. */
  isKeyCounted?: boolean;
};

type Held = { venueId: string; cid: string; id: string };

/**
 * The messages of venues in Redis. Every method is one script, and takes O(log n) of the messages of the venue. They
 * throw when Redis is unavailable; what they did then is unknown, and each may be repeated.
 */
export type MessageStore = {
  /** Returns the id. Throws `backlog-full` and `idempotency-key-reused`; null when the venue was deleted. */
  publish(publishing: Publishing): Promise<string | null>;
  /** Locks the oldest messages to a consumer. */
  consume(options: {
    venueId: string;
    cid: string;
    limit: number;
    visibilitySeconds: number;
  }): Promise<Delivery>;
  /** False when the consumer no longer holds the message. */
  delete(held: Held): Promise<boolean>;
  /** False when the consumer no longer holds the message. */
  extend(held: Held & { visibilitySeconds: number }): Promise<boolean>;
  stats(venueId: string): Promise<Stats>;
  /** Dead messages after an id, oldest first. */
  listDead(venueId: string, options: { after: string; limit: number }): Promise<DeadMessage[]>;
  /** False when there is no such dead message. */
  requeue(options: {
    venueId: string;
    id: string;
    idempotency?: Publishing['idempotency'];
  }): Promise<boolean>;
  /** Deletes everything of a deleted venue. */
  drop(venueId: string): Promise<void>;
};

/** Longer than a message of the venue can be on its way here. */
const tombstoneSeconds = 15 * daySeconds;
const retryAfterSeconds = 60;

export function createMessageStore(options: {
  redis: RedisClient;
  clock: Clock;
  deliveriesMax: number;
  backlog: BacklogLimits;
  /** Counts what happens to messages, for metrics. */
  count?: (labels: LabelsOf<'broker_messages_total'>) => void;
}): MessageStore {
  const { redis, clock, deliveriesMax, backlog, count = () => {} } = options;
  const scripts = defineScripts(redis);
  const now = () => clock.now().getTime();

  return {
    async publish({ venueId, body, idempotency, isKeyCounted = true }) {
      const said = (await scripts.publish(
        ...venueKeys(venueId),
        answerKeyOf(venueId, 'publish', idempotency),
        now(),
        body,
        idempotency === undefined ? '' : fingerprint(body),
        backlog.messagesMax,
        backlog.bytesMax,
        backlog.ageDaysMax * daySeconds * 1_000,
        isKeyCounted ? backlog.keysMax : -1,
        readyChannel(venueId),
      )) as string;
      const limit = fullness(backlog)[said];
      if (limit !== undefined) {
        count({ outcome: 'refused' });
        throw problems.backlogFull({
          detail: `The message queue is full: ${limit}. Consume and delete messages first.`,
          retryAfterSeconds,
        });
      }
      if (said === 'reused') throw problems.idempotencyKeyReused();
      if (said === 'gone') return null;
      count({ outcome: 'published' });
      return said;
    },

    async consume({ venueId, cid, limit, visibilitySeconds }) {
      const [unlockAt, ...values] = (await scripts.consume(
        ...venueKeys(venueId),
        now(),
        cid,
        limit,
        visibilitySeconds * 1_000,
        deliveriesMax,
      )) as [string, ...(string | number)[]];
      const messages = groupsOf(3, values).map(([id, body, deliveries]) => ({
        id: String(id),
        body: String(body),
        deliveries: Number(deliveries),
      }));
      for (const _ of messages) count({ outcome: 'delivered' });
      return { messages, unlockAt: unlockAt === '' ? null : Number(unlockAt) };
    },

    async delete({ venueId, cid, id }) {
      const isDeleted = (await scripts.delete(...venueKeys(venueId), now(), cid, id)) === 1;
      if (isDeleted) count({ outcome: 'deleted' });
      return isDeleted;
    },

    async extend({ venueId, cid, id, visibilitySeconds }) {
      const ms = visibilitySeconds * 1_000;
      return (await scripts.extend(...venueKeys(venueId), now(), cid, id, ms)) === 1;
    },

    async stats(venueId) {
      const time = now();
      const [ready, locked, dead, oldest, ...consumers] = (await scripts.readStats(
        ...venueKeys(venueId),
        time,
        deliveriesMax,
        limits.pageSizeMax,
      )) as [number, number, number, string, ...string[]];
      const ageMs = oldest === '' ? 0 : time - publishedAtOf(oldest).getTime();
      return {
        ready,
        locked,
        dead,
        oldestAgeSeconds: Math.max(0, Math.floor(ageMs / 1_000)),
        consumers: groupsOf(2, consumers).map(([cid = '', count]) => ({
          cid,
          locked: Number(count),
        })),
      };
    },

    async listDead(venueId, { after, limit }) {
      const values = (await scripts.listDead(
        ...venueKeys(venueId),
        now(),
        deliveriesMax,
        after,
        limit,
      )) as (string | number)[];
      return groupsOf(4, values).map(([id, body, deliveries, cid]) => ({
        id: String(id),
        body: String(body),
        deliveries: Number(deliveries),
        cid: String(cid),
      }));
    },

    async requeue({ venueId, id, idempotency }) {
      const said = await scripts.requeue(
        ...venueKeys(venueId),
        answerKeyOf(venueId, `requeue ${id}`, idempotency),
        now(),
        id,
        deliveriesMax,
        idempotency === undefined ? '' : fingerprint(''),
        readyChannel(venueId),
      );
      return said === 'done';
    },

    async drop(venueId) {
      await scripts.drop(...venueKeys(venueId), now(), tombstoneSeconds);
    },
  };
}

/** When a message was published, from its id: microseconds since the epoch. */
export function publishedAtOf(id: string): Date {
  return new Date(Math.floor(Number(id) / 1_000));
}

/** What says that a limit of the backlog is reached, by the answer of the script. */
function fullness(backlog: BacklogLimits): Record<string, string> {
  return {
    messages: `it holds ${backlog.messagesMax} messages, the most it may`,
    bytes: `its messages would have more than ${backlog.bytesMax} bytes together`,
    age: `its oldest message waits for more than ${backlog.ageDaysMax} days`,
    keys: `${backlog.keysMax} calls had an Idempotency-Key in 24 hours`,
  };
}

function fingerprint(body: string): string {
  return hash('sha256', body, 'base64url');
}

/** A call that is not idempotent names a key, too, but does not use it. */
function answerKeyOf(
  venueId: string,
  target: string,
  idempotency: Publishing['idempotency'],
): string {
  return answerKey(venueId, [target, idempotency?.caller ?? '', idempotency?.key ?? '']);
}

function groupsOf<T>(size: number, values: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < values.length; at += size) groups.push(values.slice(at, at + size));
  return groups;
}

type Script = (...keysAndArgs: (string | number)[]) => Promise<unknown>;

const scriptFiles = {
  publish: 'publish-9',
  consume: 'consume-8',
  delete: 'delete-8',
  extend: 'extend-8',
  readStats: 'read-stats-8',
  listDead: 'list-dead-8',
  requeue: 'requeue-9',
  drop: 'drop-8',
};

/** The name of a script's file ends with the number of its keys. */
function defineScripts(redis: RedisClient): Record<keyof typeof scriptFiles, Script> {
  const source = (name: string) =>
    readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  const shared = source('messages');
  const scripts = Object.entries(scriptFiles).map(([name, file]) => {
    const numberOfKeys = Number(file.slice(file.lastIndexOf('-') + 1));
    redis.defineCommand(file, { lua: `${shared}\n${source(file)}`, numberOfKeys });
    const command = (redis as unknown as Record<string, Script>)[file] as Script;
    return [name, command.bind(redis)] as const;
  });
  return Object.fromEntries(scripts) as Record<keyof typeof scriptFiles, Script>;
}
