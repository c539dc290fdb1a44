import { Cluster, Redis } from 'ioredis';
import { backoffMs } from './backoff.ts';
import { ConfigError } from './config.ts';
import type { Logger } from './logging.ts';

export type RedisClient = Redis | Cluster;

export type RedisOptions = {
  /**
   * `redis://` or, with TLS, `rediss://`; of a cluster its configuration endpoint, or any of its nodes, separated
   * by commas: one of them has to be there whenever all connections are lost. Credentials are those of the first.
   */
  url: string;
  isCluster: boolean;
  /** After this long without an answer a command fails. */
  commandTimeoutMs: number;
  logger: Logger;
  /** What becomes of the work while Redis is away, for the log. */
  meanwhile?: string;
  /**
   * For sharded subscriptions alone, which need connections of their own. What was subscribed to is asked for
   * again by its owner, on `ready` (and on `refresh` and `subscribersReady` of a cluster).
   */
  isSubscriber?: boolean;
};

const reconnectMsMax = 1_000;

/**
 * Connects to Redis or a Redis Cluster, and again whenever the connection is lost; starts without it too.
 * While there is none, commands fail at once rather than queue up: who is told to come back in a second is
 * served better than who waits.
 */
export function connectRedis(options: RedisOptions): RedisClient {
  const { url, logger, meanwhile = 'trying until it is back' } = options;
  const shared = {
    lazyConnect: true,
    enableOfflineQueue: false,
    connectTimeout: 2_000,
    commandTimeout: options.commandTimeoutMs,
    // A peer that went silent is given up, so that a failover behind the same address is noticed.
    socketTimeout: 5 * options.commandTimeoutMs,
    maxLoadingRetryTime: reconnectMsMax,
  };
  const retryStrategy = (times: number) => backoffMs(times, { firstMs: 50, maxMs: reconnectMsMax });
  let isAway = false;

  const addresses = url.split(',').map((address) => new URL(address));
  if (addresses.length > 1 && !options.isCluster) {
    throw new ConfigError('REDIS_URL names several nodes, but REDIS_CLUSTER is not true');
  }
  let client: RedisClient;
  if (options.isCluster) {
    const { username, password, protocol } = addresses[0] as URL;
    const { lazyConnect, enableOfflineQueue, ...ofNode } = shared;
    const startupNodes = addresses.map(({ hostname, port }) => ({
      host: hostname,
      port: Number(port === '' ? '6379' : port),
    }));
    client = new Cluster(startupNodes, {
      lazyConnect,
      enableOfflineQueue,
      clusterRetryStrategy: retryStrategy,
      slotsRefreshTimeout: 2_000,
      shardedSubscribers: options.isSubscriber === true,
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
  } else {
    client = new Redis(url, {
      ...shared,
      retryStrategy,
      // Commands of one turn of the event loop go out together. Not on a cluster: there a batch that meets a
      // moved slot fails as a whole, while single commands are sent on.
      enableAutoPipelining: options.isSubscriber !== true,
      autoResubscribe: false,
    });
  }

  client.on('ready', () => {
    if (isAway) logger.info('Redis is back');
    isAway = false;
  });
  client.on('error', (error: Error) => {
    if (!isAway) logger.warn({ err: error }, `Redis is away: ${meanwhile}`);
    isAway = true;
  });
  client.connect().catch(() => undefined);
  return client;
}

/** The servers that hold data: of a cluster each that serves a part of it, else the one. */
export function mastersOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

/**
 * Resolves when all of the data can be asked for: of a cluster, when each slot is served by a node that answers.
 * A ping of the cluster itself is answered by any node, whatever the others do.
 */
export async function checkRedis(client: RedisClient): Promise<void> {
  const masters = mastersOf(client);
  if (masters.length === 0) throw new Error("Cluster isn't ready");
  await Promise.all(masters.map((server) => server.ping()));
  if (!(client instanceof Cluster)) return;
  const info = await client.cluster('INFO');
  const [, size] = /^cluster_size:(\d+)/m.exec(info) ?? [];
  // A node that is lost is not among those known here until it is asked for once more.
  if (!/^cluster_state:ok\b/m.test(info) || masters.length < Number(size)) {
    throw new Error('CLUSTERDOWN A part of the cluster is away');
  }
}

type Lookup = (error: null, address: string) => void;
