import type { Logger } from '@queue-manager/service-kit/logging';
import { Cluster, Redis } from 'ioredis';

export type RedisClient = Redis | Cluster;

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

export type RedisOptions = {
  url: string;
  isCluster: boolean;
  commandTimeoutMs: number;
  logger: Logger;
};

const reconnectMsMax = 1_000;

/**
 * Connects to Redis, and again whenever the connection is lost. While there is none, commands fail at once
 * rather than queue up: a guest who is told to ask again in a second is served better than one who waits.
 */
export function connectRedis(options: RedisOptions): RedisConnection {
  const { url, logger } = options;
  const shared = {
    lazyConnect: true,
    enableOfflineQueue: false,
    connectTimeout: 2_000,
    commandTimeout: options.commandTimeoutMs,
    // A peer that went silent is given up, so that a failover behind the same address is noticed.
    socketTimeout: 5 * options.commandTimeoutMs,
    maxLoadingRetryTime: reconnectMsMax,
  };
  const retryStrategy = (times: number) => Math.min(50 * 2 ** (times - 1), reconnectMsMax);
  const runIds = new Map<Redis, string>();
  let isAway = false;

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

  let client: RedisClient;
  if (options.isCluster) {
    const { hostname, port, username, password, protocol } = new URL(url);
    const { lazyConnect, enableOfflineQueue, ...ofNode } = shared;
    client = new Cluster([{ host: hostname, port: Number(port === '' ? '6379' : port) }], {
      lazyConnect,
      enableOfflineQueue,
      clusterRetryStrategy: retryStrategy,
      slotsRefreshTimeout: 2_000,
      // With TLS a node is known by its name, which its certificate has to show.
      ...(protocol === 'rediss:'
        ? { dnsLookup: (address: string, done: Lookup) => done(null, address) }
        : {}),
      redisOptions: {
        ...ofNode,
        ...(username === '' ? {} : { username: decodeURIComponent(username) }),
        ...(password === '' ? {} : { password: decodeURIComponent(password) }),
        ...(protocol === 'rediss:' ? { tls: {} } : {}),
      },
    });
    client.on('+node', follow);
    client.on('-node', (node: Redis) => runIds.delete(node));
  } else {
    client = new Redis(url, {
      ...shared,
      retryStrategy,
      // Commands of one turn of the event loop go out together. Not on a cluster: there a batch that meets a
      // moved slot fails as a whole, while single commands are sent on.
      enableAutoPipelining: true,
    });
    follow(client);
  }

  client.on('ready', () => {
    if (isAway) logger.info('Redis is back');
    isAway = false;
  });
  client.on('error', (error: Error) => {
    if (!isAway) logger.warn({ err: error }, 'Redis is away: trying until it is back');
    isAway = true;
  });
  client.connect().catch(() => undefined);

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

type Lookup = (error: null, address: string) => void;
