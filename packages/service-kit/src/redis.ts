import { Cluster, Redis } from 'ioredis';
import { backoffMs } from './backoff.ts';
import { ConfigError } from './config.ts';
import type { Logger } from './logging.ts';

export type RedisClient = Redis | Cluster;

export type RedisOptions = {
  /**
   * `redis://` or, with TLS, `rediss://`. For a cluster: its configuration endpoint, or some of its nodes, separated
   * by commas, one of which must be up whenever all connections are lost. Credentials are those of the first.
   */
  url: string;
  isCluster: boolean;
  /** A command fails after this long without a reply. */
  commandTimeoutMs: number;
  logger: Logger;
  /** Log text: what happens to the work while Redis is unavailable. */
  meanwhile?: string;
  /**
   * For sharded subscriptions only, which need their own connections. The owner subscribes again on `ready`
   * (on a cluster also on `refresh` and `subscribersReady`).
   */
  isSubscriber?: boolean;
};

const reconnectMsMax = 1_000;

/**
 * Connects to Redis or a Redis Cluster, reconnects whenever the connection is lost, and starts without it.
 * Commands fail at once while there is no connection instead of queueing up: a fast 503 with `Retry-After` is
 * better than a slow request.
 */
export function connectRedis(options: RedisOptions): RedisClient {
  const { url, logger, meanwhile = 'retrying until it is back' } = options;
  const shared = {
    lazyConnect: true,
    enableOfflineQueue: false,
    connectTimeout: 2_000,
    commandTimeout: options.commandTimeoutMs,
    // Drop a silent peer, to notice a failover behind the same address.
    socketTimeout: 5 * options.commandTimeoutMs,
    maxLoadingRetryTime: reconnectMsMax,
  };
  const retryStrategy = (times: number) => backoffMs(times, { firstMs: 50, maxMs: reconnectMsMax });
  let isUnavailable = false;

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
      // TLS checks the certificate against the host name, so names must not be resolved to addresses.
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
      // Pipelines the commands of one tick. Not on a cluster: there a pipeline that meets a moved slot fails as a
      // whole, while single commands are redirected.
      enableAutoPipelining: options.isSubscriber !== true,
      autoResubscribe: false,
    });
  }

  client.on('ready', () => {
    if (isUnavailable) logger.info('Redis is back');
    isUnavailable = false;
  });
  client.on('error', (error: Error) => {
    if (!isUnavailable) logger.warn({ err: error }, `Redis is unavailable: ${meanwhile}`);
    isUnavailable = true;
  });
  client.connect().catch(() => undefined);
  return client;
}

/** The servers that hold data: every master of a cluster, or the one server. */
export function mastersOf(client: RedisClient): Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client];
}

/**
 * Resolves when all data can be written: a server that is full or read-only still answers a ping. For a cluster,
 * every slot must be served, and every node must take a write.
 */
export async function checkRedis(client: RedisClient): Promise<void> {
  const masters = mastersOf(client);
  if (masters.length === 0) throw new Error("Cluster isn't ready");
  await Promise.all(masters.map((server) => takeWrite(client, server)));
  if (!(client instanceof Cluster)) return;
  const info = await client.cluster('INFO');
  const [, size] = /^cluster_size:(\d+)/m.exec(info) ?? [];
  // The client forgets a lost node until the next refresh of its slots.
  if (!/^cluster_state:ok\b/m.test(info) || masters.length < Number(size)) {
    throw new Error('CLUSTERDOWN A part of the cluster is unavailable');
  }
}

/** Writes a key that belongs on this server. */
async function takeWrite(client: RedisClient, server: Redis): Promise<void> {
  const address = `${server.options.host}:${server.options.port}`;
  for (let n = 0; n < 1_000; n += 1) {
    const key = `ready:${n}`;
    if (client instanceof Cluster) {
      const slot = Number(await server.cluster('KEYSLOT', key));
      if (client.slots[slot]?.[0] !== address) continue;
    }
    await server.set(key, '1', 'EX', 60);
    return;
  }
  // It serves few slots, as while they are being moved to it.
  await server.ping();
}

type Lookup = (error: null, address: string) => void;
