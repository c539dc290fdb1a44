import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createAddresses } from './addresses.ts';

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
