import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '@queue-manager/client/client';
import { keptIn } from '@queue-manager/ui/kept';
import { memoryStorage } from '../../page/testing.ts';
import { createAttempts, isFresh, type JoinBody } from './attempt.ts';

const body: JoinBody = { name: 'Ana', size: 2, email: null, phone: null, locale: 'en' };
const answer = (status: number, headers: Record<string, string> = {}) =>
  ({ ok: status === 201, status, headers: new Headers(headers) }) as Answer<'joinQueue'>;

function start(answers: (Answer<'joinQueue'> | 'lost' | 'never')[], storage = memoryStorage()) {
  const calls: { key: string; name: string }[] = [];
  const pauses: number[] = [];
  const time = { now: 0 };
  const attempts = createAttempts(keptIn(storage), 'CODE', {
    async call({ key, body }) {
      calls.push({ key, name: body.name });
      const next = answers.shift();
      if (next === 'never') return new Promise(() => {});
      if (next === 'lost' || next === undefined) throw new TypeError('network');
      return next;
    },
    newKey: () => `key-${Math.random()}`,
    now: () => time.now,
    pause: async (ms) => void pauses.push(ms),
    onLost() {},
  });
  return { attempts, calls, pauses, time, storage };
}

describe('createAttempts', () => {
  it('sends with one key until there is an answer', async () => {
    const { attempts, calls, pauses } = start([
      'lost',
      answer(503),
      answer(429, { 'retry-after': '7' }),
      answer(201),
    ]);
    assert.equal((await attempts.join(body)).status, 201);
    assert.equal(new Set(calls.map(({ key }) => key)).size, 1);
    assert.deepEqual(pauses, [1_000, 2_000, 7_000]);
    assert.equal(attempts.pending(), null);
  });

  it('takes a new key after an answer, also after a refusal', async () => {
    const { attempts, calls } = start([answer(409), answer(201)]);
    assert.equal((await attempts.join(body)).status, 409);
    await attempts.join(body);
    assert.notEqual(calls[0]?.key, calls[1]?.key);
  });

  it('goes on with the same key when the page was loaded again', async () => {
    const { attempts, calls, storage } = start(['never']);
    void attempts.join(body);
    const again = start([answer(201)], storage);
    const pending = again.attempts.pending();
    assert.deepEqual(pending?.body, body);
    await again.attempts.join(pending?.body ?? body);
    assert.equal(again.calls[0]?.key, calls[0]?.key);
  });

  it('returns the answer of the earlier attempt if that was received with another name', async () => {
    const { attempts, storage } = start(['never']);
    void attempts.join(body);
    const again = start([answer(422), answer(201)], storage);
    assert.equal((await again.attempts.join({ ...body, name: 'Anna' })).status, 201);
    assert.deepEqual(
      again.calls.map(({ name }) => name),
      ['Anna', 'Ana'],
    );
    assert.equal(again.calls[0]?.key, again.calls[1]?.key);
  });

  it('forgets an attempt that the server has forgotten', () => {
    const { attempts, storage } = start(['never']);
    void attempts.join(body);
    const later = start([], storage);
    const pending = later.attempts.pending();
    assert.ok(pending && isFresh(pending, 60_000) && !isFresh(pending, 3_600_000));
    later.time.now = 25 * 3_600_000;
    assert.equal(later.attempts.pending(), null);
  });
});
