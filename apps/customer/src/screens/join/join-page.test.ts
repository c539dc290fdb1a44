import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blockOf, errorsOf, type JoinPage, withBoard } from './join-page.ts';

const estimate = { p10: 1, p50: 2, p90: 3, model: 'm', asOf: '2026-07-01T19:00:00Z' };
const page: JoinPage = {
  queueId: 'q',
  venueName: 'Casa',
  name: 'Tables',
  text: null,
  state: 'open',
  full: false,
  waiting: 3,
  estimate,
  maxPartySize: 8,
  selfJoin: true,
  retentionDays: 30,
  locale: 'en',
  timezone: 'UTC',
  accentColor: null,
};
const board = { queueName: 'Tables', state: 'open' as const, waiting: 4, estimate, called: [] };

describe('blockOf', () => {
  it('names the reason that the guest can do least about first', () => {
    assert.equal(blockOf(page), null);
    assert.equal(blockOf({ ...page, full: true }), 'full');
    assert.equal(blockOf({ ...page, full: true, state: 'paused' }), 'paused');
    assert.equal(blockOf({ ...page, state: 'closed', selfJoin: false }), 'selfJoinOff');
  });
});

describe('withBoard', () => {
  it('moves with the board, without another read', () => {
    const { value, isComplete } = withBoard({ page, size: 2 }, board) ?? {};
    assert.equal(value?.page.waiting, 4);
    assert.equal(isComplete, true);
  });

  it('asks for another read when the state changes, and while nobody can join', () => {
    const paused = withBoard({ page, size: 2 }, { ...board, state: 'paused' });
    assert.deepEqual([paused?.isComplete, paused?.value.page.estimate], [false, null]);
    const full = { ...page, full: true };
    assert.equal(withBoard({ page: full, size: 2 }, board)?.isComplete, false);
  });

  it('has no estimate for a party that is too large', () => {
    assert.equal(withBoard({ page, size: 9 }, board)?.value.page.estimate, null);
  });
});

describe('errorsOf', () => {
  const problem = (code: string, errors?: { path: string }[]) => ({
    type: `https://queue-manager.dev/problems/${code}`,
    errors,
  });

  it('finds the fields', () => {
    const errors = [{ path: 'email' }, { path: 'phone' }];
    assert.deepEqual(errorsOf({ status: 400, problem: problem('validation-failed', errors) }), {
      email: true,
      phone: true,
    });
    assert.deepEqual(errorsOf({ status: 400, problem: problem('party-too-large') }), {
      size: true,
    });
  });

  it('has one for everything else', () => {
    for (const refused of [
      { status: 403, problem: null },
      { status: 400, problem: problem('validation-failed', [{ path: 'Idempotency-Key' }]) },
    ]) {
      assert.deepEqual(errorsOf(refused), { form: true });
    }
  });
});
