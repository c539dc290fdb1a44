import { until } from '@queue-manager/service-kit/testing';
import { Redis } from 'ioredis';
import type { RedisServer } from '../testing.ts';

type Node = { server: RedisServer; connection: Redis };

/** What a node says of itself. */
type Part = { id: string; isMaster: boolean; masterId: string };

/** What people do to a cluster: they move slots and make replicas masters. Each node is asked by itself. */
export function operateCluster(servers: readonly RedisServer[]) {
  const nodes: Node[] = servers.map((server) => {
    const connection = new Redis(server.url, {
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
    });
    // Some are killed.
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

  /** Who says that it serves a slot: several, or none, while they do not agree. */
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
    if (owner === undefined) throw new Error(`No node says that it serves slot ${slot}`);
    return owner;
  }

  return {
    async slotOf(channel: string): Promise<number> {
      return Number(await (running()[0] as Node).connection.cluster('KEYSLOT', channel));
    },
    /** Says something in a channel where that belongs now. */
    async publish(channel: string, slot: number, message: string): Promise<void> {
      await (await ownerOf(slot)).connection.spublish(channel, message);
    },
    /** Moves a slot, and what is in it, to another master. */
    async moveSlot(
      slot: number,
      options: {
        /** Awaited while the old master has given it up and no other node knows of that. */
        whileNobodyHasIt?: () => Promise<void>;
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
      await options.whileNobodyHasIt?.();
      for (const node of [to, ...masters])
        await node.connection.cluster('SETSLOT', slot, 'NODE', toId);
    },
    /**
     * Makes the replica of a slot's master the master at once, without asking the others; gives the old one, which
     * lives, was killed, or says nothing any more.
     */
    async takeOver(
      slot: number,
      old: 'lives' | 'is killed' | 'is silent' = 'lives',
    ): Promise<RedisServer> {
      const master = await ownerOf(slot);
      const { id } = await partOf(master);
      const parts = await Promise.all(
        running().map(async (node) => ({ node, ...(await partOf(node)) })),
      );
      const replica = parts.find(({ masterId }) => masterId === id)?.node as Node;
      if (old === 'is killed') await master.server.kill();
      if (old === 'is silent') {
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
    /** Lets one speak again that was silent. */
    resume(server: RedisServer): void {
      server.signal('SIGCONT');
      silenced.delete(server);
    },
    /** How long nothing was heard of any who is subscribed at the slot's master, in seconds. */
    async subscribersIdle(slot: number): Promise<number> {
      const { connection } = await ownerOf(slot);
      const clients = (await connection.call('CLIENT', 'LIST', 'TYPE', 'pubsub')) as string;
      return Math.min(...Array.from(clients.matchAll(/ idle=(\d+)/g), ([, idle]) => Number(idle)));
    },
    /** How often clients asked which node serves which slot. */
    async slotsAsked(): Promise<number> {
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
