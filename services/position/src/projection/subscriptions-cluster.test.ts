import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { connectRedis } from '@queue-manager/service-kit/redis';
import { createSubscriptions, type Subscriptions } from '@queue-manager/service-kit/subscriptions';
import { testLogger, until } from '@queue-manager/service-kit/testing';
import { operateCluster } from '../testing/redis-cluster.ts';
import { startRedisCluster } from '../testing.ts';
import { changesChannel } from './line-keys.ts';

const settings = { isCluster: true, commandTimeoutMs: 15_000, logger: testLogger };

describe('subscriptions on a cluster that changes', () => {
  const started = new AsyncDisposableStack();
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  let operator: ReturnType<typeof operateCluster>;
  let subscriptions: Subscriptions;
  before(async () => {
    cluster = started.adopt(await startRedisCluster({ hasReplicas: true }), (redis) =>
      redis.remove(),
    );
    operator = started.adopt(operateCluster(cluster.nodes), (person) => person.close());
    const connected = createSubscriptions({ ...settings, url: cluster.url });
    subscriptions = started.adopt(connected, (held) => held.close());
  });
  after(() => started.disposeAsync());

  async function subscribe() {
    const channel = changesChannel(randomUUID());
    const heard = { messages: [] as string[], renewals: 0 };
    await subscriptions.add(channel, {
      onMessage: (message) => void heard.messages.push(message.toString()),
      onRenewed: () => {
        heard.renewals += 1;
      },
    });
    const slot = await operator.slotOf(channel);
    /** A message arrives, or a renewal reports that some may have been missed. */
    const isHeard = async () => {
      const before = heard.renewals;
      const message = randomUUID();
      await operator.publish(channel, slot, message);
      await until('it arrives', () => heard.messages.includes(message) || heard.renewals > before);
    };
    return { channel, slot, heard, isHeard };
  }

  it('follow a slot to another node', async () => {
    const { slot, heard, isHeard } = await subscribe();
    await isHeard();
    await operator.moveSlot(slot);
    await isHeard();
    await until('the subscription is renewed', () => heard.renewals > 0);
    await isHeard();
  });

  it('follow a slot whose new node is not known yet when the old one gives it up', async () => {
    for (let move = 1; move <= 6; move++) {
      const { channel, slot, isHeard } = await subscribe();
      const before = await operator.slotLookups();
      await operator.moveSlot(slot, {
        whileUnassigned: async () => {
          await until(
            'the client looks up the slot',
            async () => (await operator.slotLookups()) > before,
          );
        },
      });
      await isHeard();
      subscriptions.remove(channel);
    }
  });

  it('follow a master’s slots to its replica', async () => {
    const held = await Promise.all(Array.from({ length: 12 }, subscribe));
    for (const { slot } of held.slice(0, 4)) {
      await operator.takeOver(slot);
      await Promise.all(held.map(({ isHeard }) => isHeard()));
    }
    await until('a subscription is renewed', () => held.some(({ heard }) => heard.renewals > 0));
    for (const { channel } of held) subscriptions.remove(channel);
  });

  it('follow a killed master’s slots to its replica', async () => {
    const held = await Promise.all(Array.from({ length: 12 }, subscribe));
    const [{ slot }] = held as [(typeof held)[0]];
    const dead = await operator.takeOver(slot, 'killed');
    await Promise.all(held.map(({ isHeard }) => isHeard()));
    const others = cluster.nodes.filter((node) => node !== dead);
    const late = connectRedis({
      ...settings,
      url: [dead, ...others].map(({ url }) => url).join(','),
    });
    await until('a new client connects through another node', () => late.status === 'ready');
    late.disconnect();
    await dead.start();
    await Promise.all(held.map(({ isHeard }) => isHeard()));
  });
});
