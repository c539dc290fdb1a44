import {
  connectRedis,
  type RedisClient,
  type RedisOptions,
} from '@queue-manager/service-kit/redis';
import { Cluster, type Redis } from 'ioredis';

export type RedisConnection = {
  client: RedisClient;
  /**
   * Whether this is the run id of a server that runs now. A server that came back after a crash has another
   * one, and may have come back without its last writes. True of what cannot be told: an empty id, and any
   * while a connected server has not said its own yet.
   */
  isRunning(runId: string): boolean;
  close(): void;
};

/** A connection to Redis that knows which servers run. */
export function connectLines(options: RedisOptions): RedisConnection {
  const client = connectRedis(options);
  const runIds = new Map<Redis, string>();

  const follow = (node: Redis) => {
    node.on('ready', async () => {
      try {
        const runId = /run_id:(\w+)/.exec(await node.info('server'))?.[1];
        if (runId !== undefined) runIds.set(node, runId);
      } catch {
        // Lost again already; the next connection asks again.
      }
    });
    node.on('close', () => runIds.delete(node));
  };
  // Nothing was heard yet: a connection says so in a later turn of the event loop.
  if (client instanceof Cluster) {
    client.on('+node', follow);
    client.on('-node', (node: Redis) => runIds.delete(node));
  } else {
    follow(client);
  }

  return {
    client,
    isRunning(runId) {
      if (runId === '') return true;
      const nodes = client instanceof Cluster ? client.nodes('master') : [client];
      // Whoever answered is connected. A cluster's other nodes are not before something is asked of them.
      const connected = nodes.filter(({ status }) => status === 'ready');
      if (connected.length === 0) return true;
      return connected.some((node) => (runIds.get(node) ?? runId) === runId);
    },
    close: () => client.disconnect(),
  };
}
