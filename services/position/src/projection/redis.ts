import { setTimeout as delay } from 'node:timers/promises';
import {
  connectRedis,
  type RedisClient,
  type RedisOptions,
} from '@queue-manager/service-kit/redis';
import { Cluster, type Redis } from 'ioredis';
import { createSubscriptions, mastersIn, type Subscriptions } from './subscriptions.ts';

const askAgainMs = 100;

export type RedisConnection = {
  client: RedisClient;
  subscriptions: Subscriptions;
  /**
   * Whether this is the run id of a server that runs now. A server that came back after a crash has another
   * one, and may have come back without its last writes. True of what cannot be told: an empty id, and any
   * when a server would not say its own. A server that has not been heard yet is not trusted.
   */
  isRunning(runId: string): boolean;
  close(): void;
};

/** A connection to Redis that knows which servers run. */
export function connectLines(options: RedisOptions): RedisConnection {
  const client = connectRedis(options);
  const subscriptions = createSubscriptions(options);
  /** Empty of a server that would not say. */
  const runIds = new Map<Redis, string>();

  const hear = async (node: Redis) => {
    while (node.status === 'ready') {
      try {
        return runIds.set(node, /run_id:(\w+)/.exec(await node.info('server'))?.[1] ?? '');
      } catch (error) {
        // What may not be asked is never told. Anything else passes, be it with the connection.
        if (/^(NOPERM|ERR unknown)/.test((error as Error).message)) return runIds.set(node, '');
        await delay(askAgainMs);
      }
    }
  };
  const follow = (node: Redis) => {
    node.on('ready', () => void hear(node));
    node.on('close', () => runIds.delete(node));
  };
  // Nothing was heard yet: a connection says so in a later turn of the event loop.
  if (client instanceof Cluster) {
    client.on('+node', follow);
    client.on('-node', (node: Redis) => runIds.delete(node));
    // Who waits for what is said does not notice that a node went silent; who asks it does.
    client.on('refresh', () => subscriptions.noteMasters(mastersIn(client)));
  } else {
    follow(client);
  }

  return {
    client,
    subscriptions,
    isRunning(runId) {
      if (runId === '') return true;
      const nodes = client instanceof Cluster ? client.nodes('master') : [client];
      // Whoever answered is connected. A cluster's other nodes are not before something is asked of them.
      const connected = nodes.filter(({ status }) => status === 'ready');
      if (connected.length === 0) return true;
      return connected.some((node) => {
        const ofNode = runIds.get(node);
        return ofNode === runId || ofNode === '';
      });
    },
    close() {
      subscriptions.close();
      client.disconnect();
    },
  };
}
