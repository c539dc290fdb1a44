import { setTimeout as delay } from 'node:timers/promises';
import {
  connectRedis,
  type RedisClient,
  type RedisOptions,
} from '@queue-manager/service-kit/redis';
import {
  createSubscriptions,
  mastersIn,
  type Subscriptions,
} from '@queue-manager/service-kit/subscriptions';
import { Cluster, type Redis } from 'ioredis';

const retryMs = 100;

export type RedisConnection = {
  client: RedisClient;
  subscriptions: Subscriptions;
  /**
   * Whether this is the run id of a server that is running now. A restarted server has a new id, and may lack its
   * last writes. True where ids are unavailable: for an empty id, and for any id if a server does not permit INFO.
   * False for a server whose id is not known yet.
   */
  isRunning(runId: string): boolean;
  close(): void;
};

/** Connects to Redis, and tracks the run ids of its servers. */
export function connectLines(options: RedisOptions): RedisConnection {
  const client = connectRedis(options);
  const subscriptions = createSubscriptions(options);
  /** Empty for a server that does not permit INFO. */
  const runIds = new Map<Redis, string>();

  const readRunId = async (node: Redis) => {
    while (node.status === 'ready') {
      try {
        return runIds.set(node, /run_id:(\w+)/.exec(await node.info('server'))?.[1] ?? '');
      } catch (error) {
        // Without permission it never succeeds. Other errors are temporary.
        if (/^(NOPERM|ERR unknown)/.test((error as Error).message)) return runIds.set(node, '');
        await delay(retryMs);
      }
    }
  };
  const follow = (node: Redis) => {
    node.on('ready', () => void readRunId(node));
    node.on('close', () => runIds.delete(node));
  };
  // No `ready` event can have been missed: connections emit it in a later tick.
  if (client instanceof Cluster) {
    client.on('+node', follow);
    client.on('-node', (node: Redis) => runIds.delete(node));
    // Subscriptions alone do not notice that a node went silent; commands do.
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
      // The node that answered is connected; a cluster's other nodes connect on their first command.
      const connected = nodes.filter(({ status }) => status === 'ready');
      if (connected.length === 0) return true;
      return connected.some((node) => {
        const nodeRunId = runIds.get(node);
        return nodeRunId === runId || nodeRunId === '';
      });
    },
    close() {
      subscriptions.close();
      client.disconnect();
    },
  };
}
