import { once } from 'node:events';
import { connectRedis, type RedisOptions } from '@queue-manager/service-kit/redis';
import { Cluster } from 'ioredis';

const retryMs = 500;

type Subscriber = {
  onMessage(message: Buffer): void;
  /** The subscription was lost and is there again; what was said in between was missed. */
  onRenewed(): void;
};

export type Subscriptions = {
  /** Resolves when nothing that is said from then on can be missed unnoticed. One subscriber a channel. */
  add(channel: string, subscriber: Subscriber): Promise<void>;
  remove(channel: string): void;
  /** Connects anew, for a connection that looks alive but brings nothing. */
  reconnect(): void;
  close(): void;
};

/** Sharded subscriptions over connections of their own, asked for again whenever a connection was lost. */
export function createSubscriptions(options: RedisOptions): Subscriptions {
  const { logger, commandTimeoutMs } = options;
  const client = connectRedis({ ...options, isSubscriber: true });
  const subscribers = new Map<string, Subscriber>();
  let isClosed = false;
  /** Shared, since a thousand lines may wait for one connection. */
  let connecting: Promise<unknown> | null = null;

  client.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
    subscribers.get(channel.toString())?.onMessage(message);
  });
  const renewAll = () => {
    for (const [channel, subscriber] of subscribers) void renew(channel, subscriber);
  };
  client.on('ready', renewAll);
  // Nodes of a cluster come and go one by one, and slots move between them.
  if (client instanceof Cluster) client.on('subscribersReady', renewAll);

  async function renew(channel: string, subscriber: Subscriber): Promise<void> {
    if (isClosed || subscribers.get(channel) !== subscriber) return;
    try {
      await subscribe(channel);
    } catch (error) {
      logger.debug({ err: error, channel }, 'not subscribed yet');
      setTimeout(() => void renew(channel, subscriber), retryMs).unref();
      return;
    }
    if (subscribers.get(channel) === subscriber) subscriber.onRenewed();
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
      subscribers.set(channel, subscriber);
      try {
        await subscribe(channel);
      } catch (error) {
        if (subscribers.get(channel) === subscriber) subscribers.delete(channel);
        throw error;
      }
    },
    remove(channel) {
      if (!subscribers.delete(channel)) return;
      // By name: without one, a cluster would not know which node to ask.
      client.sunsubscribe(channel).catch(() => undefined);
    },
    reconnect: () => client.disconnect(true),
    close() {
      isClosed = true;
      client.disconnect();
    },
  };
}
