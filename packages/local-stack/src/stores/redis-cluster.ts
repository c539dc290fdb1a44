import { setTimeout as delay } from 'node:timers/promises';
import { Flag } from '@queue-manager/service-kit/config';
import { allOrNone } from '../processes/all-or-none.ts';
import { StackError } from '../stack-error.ts';
import { ask } from './ask.ts';
import { redisServer } from './redis.ts';
import { runStore, type StartedStore, type StoreContext } from './run-store.ts';

const slots = 16_384;
/** The least with which a cluster agrees that one node has failed. */
const nodeCount = 3;
const nodeTimeoutMs = 5_000;
const pollMs = 50;
const formedMsMax = 60_000;

/**
 * Whether Redis should be a cluster.
 *
 * @throws StackError when REDIS_CLUSTER is neither true nor false.
 */
export function isClusterWanted(env: NodeJS.ProcessEnv): boolean {
  const wanted = Flag.safeParse(env.REDIS_CLUSTER || undefined);
  if (!wanted.success) throw new StackError('REDIS_CLUSTER must be true or false');
  return wanted.data;
}

type Node = { store: StartedStore; port: number; busPort: number };

/**
 * A Redis Cluster of three nodes, redis-1 to redis-3, without replicas; provides REDIS_URL, which lists all nodes, and
 * REDIS_CLUSTER.
 */
export async function startRedisCluster(context: StoreContext): Promise<StartedStore> {
  const stop = ({ store }: Node) =>
    Promise.all(store.processes.map((process) => process.stop())).then(() => undefined);
  const nodes = await allOrNone(
    Array.from(
      { length: nodeCount },
      (_, index) => (signal) => startNode({ ...context, signal }, `redis-${index + 1}`),
    ),
    stop,
    context.signal,
  );
  try {
    await join(nodes, context.signal);
  } catch (error) {
    await Promise.all(nodes.map(stop));
    throw error;
  }
  return {
    processes: nodes.flatMap(({ store }) => store.processes),
    environment: {
      REDIS_URL: nodes.map(({ port }) => `redis://127.0.0.1:${port}`).join(','),
      REDIS_CLUSTER: 'true',
    },
  };
}

async function startNode(context: StoreContext, name: string): Promise<Node> {
  let ports: number[] = [];
  const spec = redisServer(context, name, ([, busPort]) => [
    ...['--cluster-enabled', 'yes'],
    ...['--cluster-port', String(busPort)],
    ...['--cluster-node-timeout', String(nodeTimeoutMs)],
  ]);
  const store = await runStore(context, {
    ...spec,
    freePorts: 2,
    environment(chosen) {
      ports = chosen;
      return spec.environment(chosen);
    },
  });
  const [port = 0, busPort = 0] = ports;
  return { store, port, busPort };
}

/**
 * Assigns each new node its share of the slots before the nodes meet. Nodes of an existing cluster know each other, but
 * not their ports in this run.
 */
async function join(nodes: readonly Node[], signal: AbortSignal): Promise<void> {
  for (const [index, node] of nodes.entries()) {
    const info = await run(node, 'CLUSTER INFO', signal);
    if (!info.includes('cluster_slots_assigned:0\r\n')) continue;
    const [from = 0, end = 0] = [index, index + 1].map((at) =>
      Math.ceil((at * slots) / nodes.length),
    );
    await run(node, `CLUSTER ADDSLOTSRANGE ${from} ${end - 1}`, signal);
  }
  for (const node of nodes) {
    for (const { port, busPort } of nodes.filter((other) => other !== node)) {
      await run(node, `CLUSTER MEET 127.0.0.1 ${port} ${busPort}`, signal);
    }
  }
  const deadline = Date.now() + formedMsMax;
  for (;;) {
    const infos = await Promise.all(nodes.map((node) => run(node, 'CLUSTER INFO', signal)));
    const isFormed = infos.every(
      (info) =>
        info.includes('cluster_state:ok\r\n') &&
        info.includes(`cluster_slots_ok:${slots}\r\n`) &&
        info.includes(`cluster_known_nodes:${nodes.length}\r\n`),
    );
    if (isFormed) return;
    if (Date.now() > deadline) {
      throw new StackError(`the Redis Cluster did not form within ${formedMsMax / 1_000} s`);
    }
    await delay(pollMs, undefined, { signal });
  }
}

async function run({ port }: Node, command: string, signal: AbortSignal): Promise<string> {
  const answer = (await ask(port, signal, `${command}\r\n`)).toString();
  if (answer.startsWith('-')) {
    throw new StackError(`the Redis Cluster could not be created: ${answer.slice(1).trim()}`);
  }
  return answer;
}
