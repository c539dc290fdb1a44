import { until } from '@queue-manager/service-kit/testing';
import { Redis } from 'ioredis';
import type { RedisServer } from '../testing.ts';

type Node = { server: RedisServer; connection: Redis };

/** A node's own view of itself. */
type Part = { id: string; isMaster: boolean; masterId: string };

/** Operates a cluster: moves slots and promotes replicas. Connects to each node separately. */
export function operateCluster(servers: readonly RedisServer[]) {
  const nodes: Node[] = servers.map((server) => {
    const connection = new Redis(server.url, {
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
    });
    // Nodes may be killed.
    connection.on('error', () => undefined);
    return { server, connection };
  });
  const silenced = new Set<RedisServer>();
  const running = () =>
    nodes.filter(
      ({ server, connection }) => connection.status === 'ready' && !silenced.has(server),
    );

  async function partOf({ connection }: Node): Promise<Part> {
    const known = ((await connection.cluster('NODES')) as string).split('\n');
    const self = known.find((line) => line.includes('myself')) ?? '';
    const [id = '', , flags = '', masterId = ''] = self.split(' ');
    return { id, isMaster: flags.includes('master'), masterId };
  }

  /** The nodes that claim to serve a slot: several or none while they disagree. */
  async function ownersOf(slot: number): Promise<Node[]> {
    const answers = running().map(async (node) => {
      const { id } = await partOf(node);
      const ranges = await node.connection.cluster('SLOTS');
      const isOwn = ranges.some(
        ([from, to, master]) =>
          slot >= from && slot <= to && (master as unknown[] | undefined)?.[2] === id,
      );
      return isOwn ? [node] : [];
    });
    return (await Promise.all(answers)).flat();
  }

  async function ownerOf(slot: number): Promise<Node> {
    const [owner] = await ownersOf(slot);
    if (owner === undefined) throw new Error(`No node serves slot ${slot}`);
    return owner;
  }

  /** What was not replicated is lost, and with it the history that streams have followed: they end. */
  async function replicated(master: Node, replica: Node): Promise<void> {
    const offsetIn = (info: string, name: string) =>
      new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1];
    await until('the replica has what its master has', async () => {
      const there = await replica.connection.info('replication');
      const here = await master.connection.info('replication');
      return (
        there.includes('master_link_status:up') &&
        offsetIn(there, 'slave_repl_offset') === offsetIn(here, 'master_repl_offset')
      );
    });
  }

  return {
    async slotOf(channel: string): Promise<number> {
      return Number(await (running()[0] as Node).connection.cluster('KEYSLOT', channel));
    },
    /** Publishes on the node that serves the slot now. */
    async publish(channel: string, slot: number, message: string): Promise<void> {
      await (await ownerOf(slot)).connection.spublish(channel, message);
    },
    /** Moves a slot with its keys to another master. */
    async moveSlot(
      slot: number,
      options: {
        /** Awaited after the old master has given up the slot, and before any other node knows. */
        whileUnassigned?: () => Promise<void>;
      } = {},
    ): Promise<void> {
      const from = await ownerOf(slot);
      const parts = new Map<Node, Part>();
      for (const node of running()) parts.set(node, await partOf(node));
      const masters = [...parts.keys()].filter((node) => parts.get(node)?.isMaster);
      const to = masters.find((node) => node !== from) as Node;
      const [fromId, toId] = [from, to].map((node) => parts.get(node)?.id as string) as [
        string,
        string,
      ];
      await to.connection.cluster('SETSLOT', slot, 'IMPORTING', fromId);
      await from.connection.cluster('SETSLOT', slot, 'MIGRATING', toId);
      const { host = '', port = 0 } = to.connection.options;
      for (;;) {
        const keys = await from.connection.cluster('GETKEYSINSLOT', slot, 100);
        if (keys.length === 0) break;
        await from.connection.migrate(host, port, '', 0, 60_000, 'KEYS', ...keys);
      }
      await from.connection.cluster('SETSLOT', slot, 'NODE', toId);
      await options.whileUnassigned?.();
      for (const node of [to, ...masters])
        await node.connection.cluster('SETSLOT', slot, 'NODE', toId);
    },
    /**
     * Promotes the replica of a slot's master, when it has caught up, without an election; returns the old master,
     * which stays alive, is killed, or is stopped.
     */
    async takeOver(
      slot: number,
      old: 'alive' | 'killed' | 'silent' = 'alive',
    ): Promise<RedisServer> {
      const master = await ownerOf(slot);
      const { id } = await partOf(master);
      const parts = await Promise.all(
        running().map(async (node) => ({ node, ...(await partOf(node)) })),
      );
      const replica = parts.find(({ masterId }) => masterId === id)?.node as Node;
      await replicated(master, replica);
      if (old === 'killed') await master.server.kill();
      if (old === 'silent') {
        master.server.signal('SIGSTOP');
        silenced.add(master.server);
      }
      await replica.connection.cluster('FAILOVER', 'TAKEOVER');
      await until('the replica alone serves the slot', async () => {
        const owners = await ownersOf(slot);
        return owners.length === 1 && owners[0] === replica;
      });
      return master.server;
    },
    /** Resumes a silent server. */
    resume(server: RedisServer): void {
      server.signal('SIGCONT');
      silenced.delete(server);
    },
    /** Seconds since the last command of any subscriber at the slot's master. */
    async subscribersIdle(slot: number): Promise<number> {
      const { connection } = await ownerOf(slot);
      const clients = (await connection.call('CLIENT', 'LIST', 'TYPE', 'pubsub')) as string;
      return Math.min(...Array.from(clients.matchAll(/ idle=(\d+)/g), ([, idle]) => Number(idle)));
    },
    /** Number of lookups of the slot table by clients. */
    async slotLookups(): Promise<number> {
      const counts = running().map(async ({ connection }) => {
        const stats = await connection.info('commandstats');
        return Number(/^cmdstat_cluster\|slots:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
      });
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    },
    close(): void {
      for (const { connection } of nodes) connection.disconnect();
    },
  };
}
