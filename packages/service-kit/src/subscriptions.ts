import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { connectRedis, type RedisOptions } from './redis.ts';

const retryMs = 200;
/** While a cluster changes, subscriptions are renewed at most this often. */
const renewEveryMs = 300;

type Subscriber = {
  onMessage(message: Buffer): void;
  /** The subscription was lost and is restored; messages in between were missed. */
  onRenewed(): void;
};

export type Subscriptions = {
  /** Resolves once no further message can be missed without `onRenewed`. One subscriber per channel. */
  add(channel: string, subscriber: Subscriber): Promise<void>;
  remove(channel: string): void;
  /** Reports which nodes serve the cluster, as learned by another connection. */
  noteMasters(masters: ReadonlySet<string>): void;
  /** Reconnects a connection that looks alive but delivers nothing. */
  reconnect(): void;
  close(): void;
};

type Held = Subscriber & {
  isRenewing: boolean;
  /** It must be renewed (again). */
  isDue: boolean;
};

/** Addresses of the cluster's masters, as known to this connection. */
export function mastersIn(cluster: Cluster): Set<string> {
  return new Set(cluster.slots.flatMap(([master]) => master ?? []));
}

/** Sharded subscriptions over dedicated connections, renewed whenever a connection was lost. */
export function createSubscriptions(options: RedisOptions): Subscriptions {
  const { logger, commandTimeoutMs } = options;
  const client = connectRedis({ ...options, isSubscriber: true });
  const subscribers = new Map<string, Held>();
  let isClosed = false;
  /** Shared by all waiting subscriptions, of which there may be a thousand. */
  let connecting: Promise<unknown> | null = null;
  let renewing: NodeJS.Timeout | null = null;
  let renewedAt = Number.NEGATIVE_INFINITY;

  client.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
    subscribers.get(channel.toString())?.onMessage(message);
  });
  client.on('ready', renewAll);
  // Cluster nodes come and go one by one, and slots move between them. A node that gives up a slot notifies its
  // subscribers once, and the client then looks up the slot's new owner. The node that it asks may still name the
  // old owner, so renew all subscriptions until the slot's actual owner accepts them.
  if (client instanceof Cluster) {
    client.on('refresh', renewSoon);
    client.on('subscribersReady', renewSoon);
  }

  function renewSoon(): void {
    if (renewing !== null || isClosed) return;
    const waitMs = Math.max(0, Math.ceil(renewedAt + renewEveryMs - performance.now()));
    renewing = setTimeout(() => {
      renewing = null;
      renewAll();
    }, waitMs);
    renewing.unref();
  }

  function renewAll(): void {
    renewedAt = performance.now();
    for (const [channel, held] of subscribers) {
      held.isDue = true;
      if (!held.isRenewing) void renew(channel, held);
    }
  }

  async function renew(channel: string, held: Held): Promise<void> {
    const isWanted = () => !isClosed && subscribers.get(channel) === held;
    held.isRenewing = true;
    while (held.isDue && isWanted()) {
      held.isDue = false;
      try {
        await subscribe(channel);
      } catch (error) {
        logger.debug({ err: error, channel }, 'cannot subscribe yet');
        held.isDue = true;
        await delay(retryMs, undefined, { ref: false });
      }
    }
    held.isRenewing = false;
    if (isWanted()) held.onRenewed();
  }

  async function subscribe(channel: string): Promise<void> {
    if (client instanceof Cluster) {
      // ioredis subscribes by itself, but does not say when it is done; and it would keep the channel twice.
      await Promise.all([client.sunsubscribe(channel), client.ssubscribe(channel)]);
    } else {
      await client.ssubscribe(channel);
    }
  }

  async function connected(): Promise<void> {
    connecting ??= once(client, 'ready', {
      signal: AbortSignal.timeout(commandTimeoutMs),
    }).finally(() => {
      connecting = null;
    });
    // On a timeout the command that follows fails like any other.
    await connecting.catch(() => undefined);
  }

  return {
    async add(channel, subscriber) {
      if (client.status !== 'ready') await connected();
      const held = { ...subscriber, isRenewing: false, isDue: false };
      subscribers.set(channel, held);
      try {
        await subscribe(channel);
      } catch (error) {
        if (subscribers.get(channel) === held) subscribers.delete(channel);
        throw error;
      }
    },
    remove(channel) {
      if (!subscribers.delete(channel)) return;
      // With the channel's name, which a cluster needs to find the node.
      client.sunsubscribe(channel).catch(() => undefined);
    },
    noteMasters(masters) {
      if (!(client instanceof Cluster) || client.status !== 'ready') return;
      if (masters.symmetricDifference(mastersIn(client)).size > 0) client.refreshSlotsCache();
    },
    reconnect: () => client.disconnect(true),
    close() {
      isClosed = true;
      if (renewing !== null) clearTimeout(renewing);
      client.disconnect();
    },
  };
}
