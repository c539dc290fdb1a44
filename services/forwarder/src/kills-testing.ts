import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '@queue-manager/service-kit/clock';
import { testCredential, until } from '@queue-manager/service-kit/testing';
import { addAccounts } from '@queue-manager/user/testing';
import { type Behaviour, startExternalApi, startForwarderStores, targetOf } from './testing.ts';

/** Two processes, each with a stream reader and a drain. */
const processes = 2;
/** Longer than leases and hidden messages last after a kill, on a busy machine. */
const progressMs = 90_000;

type Disturbance = 'kill' | 'restart API' | Behaviour;

/** One after the other, each after an equal part of the contacts. */
const disturbances: Disturbance[] = [
  'kill',
  'lose',
  { status: 500 },
  'restart API',
  { status: 429, headers: { 'retry-after': '1' } },
  'hang',
  'kill',
  { status: 409 },
  { status: 503 },
  'lose',
];

/**
 * Creates accounts while processes of the forwarder are killed, and the external API fails, is restarted, and loses
 * replies. In the end, it has every account in the order of creation. Only where a reply was lost, it has one twice: with
 * the same idempotency key, and before any other.
 */
export async function forwardThroughKills(
  test: TestContext,
  { count, rounds }: { count: number; rounds: number },
): Promise<void> {
  const stores = await startForwarderStores(test);
  const api = await startExternalApi();
  test.after(() => api.close());
  stores.setParameter('target', targetOf(api.url));
  stores.setParameter('api-key', 'first-key');

  const children: ChildProcess[] = [];
  const start = (at: number) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
      env: {
        ...process.env,
        ...stores.env,
        HOST: '127.0.0.1',
        PORT: '0',
        INTERNAL_CREDENTIAL: testCredential,
        LOG_LEVEL: 'warn',
        FORWARD_SCHEDULES: '* * * * * *',
      },
      stdio: 'ignore',
    });
    test.after(() => child.kill('SIGKILL'));
    children[at] = child;
  };
  for (let at = 0; at < processes; at++) start(at);

  /** Requests that the API had got at each kill or restart: a reply may have been lost then. */
  const cuts: number[] = [];
  let kills = 0;
  const disturb = async (disturbance: Disturbance) => {
    if (disturbance === 'kill') {
      const at = kills++ % processes;
      const child = children[at];
      child?.kill('SIGKILL');
      if (child !== undefined) await once(child, 'exit');
      cuts.push(api.got.length);
      start(at);
    } else if (disturbance === 'restart API') {
      await api.restart();
      cuts.push(api.got.length);
    } else {
      api.next.push(disturbance);
    }
  };

  const { dynamo, tablePrefix } = stores;
  const adding = addAccounts({ dynamo, tablePrefix, clock: systemClock }, count);
  const isTaken = ({ status }: (typeof api.got)[number]) => status === null || status < 300;
  const takenKeys = () => new Set(api.got.filter(isTaken).map(({ key }) => key));
  const plan = Array.from({ length: rounds }, () => disturbances).flat();
  for (const [index, disturbance] of plan.entries()) {
    const wanted = Math.floor(((index + 1) * count) / (plan.length + 2));
    await until(`${wanted} contacts came`, () => takenKeys().size >= wanted, progressMs);
    await disturb(disturbance);
  }
  const accounts = await adding;
  await until('all contacts came', () => takenKeys().size >= count, progressMs);
  await until(
    'the queue is empty',
    async () => (await stores.queues.count('contacts.fifo')) === 0,
    progressMs,
  );

  const emails = new Map(accounts.map(({ id, email }) => [id, email]));
  for (const { key, body } of api.got) assert.equal(body.email, emails.get(key));
  const taken = api.got.map((request, at) => ({ ...request, at })).filter(isTaken);
  const first = taken.filter(({ key }, index) => key !== taken[index - 1]?.key);
  assert.deepEqual(
    first.map(({ key }) => key),
    accounts.map(({ id }) => id),
  );
  for (const [index, { key, at }] of taken.entries()) {
    const before = taken[index - 1];
    if (before?.key !== key) continue;
    const isLost = before.status === null || cuts.some((cut) => cut > before.at && cut <= at);
    assert.ok(isLost, `request ${at} repeats one whose reply was not lost`);
  }
  assert.equal((await stores.queues.deadLetters('contacts.fifo')).length, 0);
}
