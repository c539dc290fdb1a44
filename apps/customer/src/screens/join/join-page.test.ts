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
const general = { ...estimate, p50: 9 };
const board = {
  ...{ queueName: 'Tables', state: 'open' as const, waiting: 4 },
  ...{ estimate: general, called: [] },
};
const known = { page, size: 2, hasMoved: false };

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
    const { value, isComplete } = withBoard(known, board) ?? {};
    assert.equal(value?.page.waiting, 4);
    assert.equal(isComplete, true);
  });

  it('asks for another read when the state changes, and while nobody can join', () => {
    const paused = withBoard(known, { ...board, state: 'paused' });
    assert.deepEqual([paused?.isComplete, paused?.value.page.estimate], [false, null]);
    const full = { ...page, full: true };
    assert.equal(withBoard({ ...known, page: full }, board)?.isComplete, false);
  });

  it("keeps the estimate of the party's size, and knows that the line has moved since", () => {
    const moved = withBoard(known, board)?.value;
    assert.deepEqual([moved?.page.estimate, moved?.hasMoved], [estimate, true]);
    const back = withBoard(moved ?? null, { ...board, waiting: 3 })?.value;
    assert.equal(back?.hasMoved, true);
    assert.equal(withBoard(known, { ...board, waiting: 3 })?.value.hasMoved, false);
    const tooLarge = { page: { ...page, estimate: null }, size: 9, hasMoved: false };
    assert.equal(withBoard(tooLarge, board)?.value.page.estimate, null);
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
