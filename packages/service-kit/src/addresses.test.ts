import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createAddresses } from './addresses.ts';
import { closedPort, startRestartable } from './testing.ts';

const url = (letter: string) => `http://127.0.0.1:${letter.charCodeAt(0)}`;
const letter = (address: string) => String.fromCharCode(Number(new URL(address).port));
const urls = [...'abc'].map(url);

/** The letters of the addresses in the order of the next call. */
const order = (addresses: ReturnType<typeof createAddresses>) =>
  addresses.inOrder().map(letter).join('');

describe('createAddresses', () => {
  it('orders addresses round robin', () => {
    const addresses = createAddresses(urls);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => order(addresses)),
      ['abc', 'bca', 'cab', 'abc'],
    );
  });

  it('puts an avoided address last for a second', (t) => {
    const now = t.mock.method(performance, 'now', () => 1_000);
    const addresses = createAddresses(urls);
    addresses.avoid(url('b'));
    const orders = () => [1, 2, 3].map(() => order(addresses));
    assert.deepEqual(orders(), ['acb', 'cab', 'cab']);
    now.mock.mockImplementation(() => 2_000);
    assert.deepEqual(orders(), ['abc', 'bca', 'cab']);
  });

  it('follows the addresses of a name, and keeps them while the name server is down', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let answer: () => Promise<string[]> = async () => ['10.0.0.2', '10.0.0.1'];
    const asked: string[] = [];
    const addresses = createAddresses(['http://position.internal:8080'], (name) => {
      asked.push(name);
      return answer();
    });
    const known = async () => {
      await setImmediate();
      return [...addresses.inOrder()].sort();
    };
    assert.deepEqual(addresses.inOrder(), ['http://position.internal:8080']);
    assert.deepEqual(await known(), ['http://10.0.0.1:8080', 'http://10.0.0.2:8080']);

    const later = async (next: typeof answer) => {
      answer = next;
      t.mock.timers.tick(5_000);
      return known();
    };
    assert.deepEqual(await later(() => Promise.reject(new Error('ENOTFOUND'))), [
      'http://10.0.0.1:8080',
      'http://10.0.0.2:8080',
    ]);
    assert.deepEqual(await later(async () => ['10.0.0.3', 'fd00::1']), [
      'http://10.0.0.3:8080',
      'http://[fd00::1]:8080',
    ]);
    assert.deepEqual(asked, Array(3).fill('position.internal'));
  });

  it('looks up no address and no name of TLS', () => {
    const fixed = [
      'http://127.0.0.1:1',
      'http://[::1]:1',
      'http://localhost:1',
      'https://a.example',
    ];
    createAddresses(fixed, () => assert.fail('looked up'));
  });
});

describe('a service that refuses connections', () => {
  it('is waited for until it accepts them again', async (t) => {
    const service = await startRestartable(t);
    await service.stop();
    const addresses = createAddresses([`http://127.0.0.1:${await closedPort()}`, service.url]);
    const waiting = [addresses.isBack(60_000), addresses.isBack(60_000)];
    await service.start();
    assert.deepEqual(await Promise.all(waiting), [true, true]);
  });

  it('is waited for no longer than its caller has time', async () => {
    const addresses = createAddresses([`http://127.0.0.1:${await closedPort()}`]);
    assert.equal(await addresses.isBack(1), false);
  });

  it('is found at the new address of its name', async (t) => {
    const { url: found } = await startRestartable(t);
    let addressesOfName: string[] = [];
    const url = `http://user.invalid:${new URL(found).port}`;
    const addresses = createAddresses([url], async () => addressesOfName);
    const waiting = addresses.isBack(60_000);
    addressesOfName = ['127.0.0.1'];
    assert.equal(await waiting, true);
    assert.deepEqual(addresses.inOrder(), [found]);
  });

  it('is down after 15 s, until it responds or nobody has called for as long', async (t) => {
    const now = t.mock.method(performance, 'now', () => 0);
    const at = (ms: number) => now.mock.mockImplementation(() => ms);
    const addresses = createAddresses([`http://127.0.0.1:${await closedPort()}`]);
    const isWaitedFor = () => Promise.race([addresses.isBack(60_000), setImmediate('yes')]);
    const first = addresses.isBack(60_000);
    at(14_000);
    assert.equal(await isWaitedFor(), 'yes');
    at(15_000);
    assert.equal(await first, false);
    assert.equal(await isWaitedFor(), false);
    at(29_000);
    assert.equal(await isWaitedFor(), false);

    addresses.responded();
    assert.equal(await isWaitedFor(), 'yes');
    at(50_000);
    assert.equal(await isWaitedFor(), 'yes');
  });
});
