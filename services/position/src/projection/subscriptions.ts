import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { connectRedis, type RedisOptions } from '@queue-manager/service-kit/redis';
import { Cluster } from 'ioredis';

const retryMs = 200;
/** While a cluster changes, all subscriptions are looked after at most this often. */
const renewEveryMs = 300;

type Subscriber = {
  onMessage(message: Buffer): void;
  /** The subscription was lost and is there again; what was said in between was missed. */
  onRenewed(): void;
};

export type Subscriptions = {
  /** Resolves when nothing that is said from then on can be missed unnoticed. One subscriber a channel. */
  add(channel: string, subscriber: Subscriber): Promise<void>;
  remove(channel: string): void;
  /** Takes note of which nodes serve a cluster, as another connection to it has learned. */
  noteMasters(masters: ReadonlySet<string>): void;
  /** Connects anew, for a connection that looks alive but brings nothing. */
  reconnect(): void;
  close(): void;
};

type Held = Subscriber & {
  /** While it is asked for again. */
  isRenewing: boolean;
  /** It may have been lost once more since it was asked for. */
  isDue: boolean;
};

/** Addresses of the nodes that serve a cluster, as far as it is known here. */
export function mastersIn(cluster: Cluster): Set<string> {
  return new Set(cluster.slots.flatMap(([master]) => master ?? []));
}

/** Sharded subscriptions over connections of their own, asked for again whenever a connection was lost. */
export function createSubscriptions(options: RedisOptions): Subscriptions {
  const { logger, commandTimeoutMs } = options;
  const client = connectRedis({ ...options, isSubscriber: true });
  const subscribers = new Map<string, Held>();
  let isClosed = false;
  /** Shared, since a thousand lines may wait for one connection. */
  let connecting: Promise<unknown> | null = null;
  let renewing: NodeJS.Timeout | null = null;
  let renewedAt = Number.NEGATIVE_INFINITY;

  client.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
    subscribers.get(channel.toString())?.onMessage(message);
  });
  client.on('ready', renewAll);
  // Nodes of a cluster come and go one by one, and slots move between them. A node that gives up a slot says so
  // once, to who is subscribed there, which makes the client ask who has it now. Whom it asks may not know yet and
  // name the old one: so it is not believed, but all are asked for until the node that has the slot agrees.
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
        logger.debug({ err: error, channel }, 'not subscribed yet');
        held.isDue = true;
        await delay(retryMs, undefined, { ref: false });
      }
    }
    held.isRenewing = false;
    if (isWanted()) held.onRenewed();
  }

  async function subscribe(channel: string): Promise<void> {
    if (client instanceof Cluster) {
      // ioredis asked for it by itself, but does not say when it has it; and it would keep the name twice.
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
    // Whether it came or not, the command that follows says it as any other would.
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
      // By name: without one, a cluster would not know which node to ask.
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
