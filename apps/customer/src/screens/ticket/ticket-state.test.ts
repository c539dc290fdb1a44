import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GuestParty } from '@queue-manager/contracts/guests';
import type { PartyState } from '@queue-manager/contracts/parties';
import type { Position } from '@queue-manager/contracts/positions';
import {
  callLeft,
  estimateNow,
  isBack,
  newerTicket,
  placeOf,
  snoozePlacesMax,
  withPosition,
} from './ticket-state.ts';

const at = (seconds: number) => new Date(1_000_000_000_000 + seconds * 1_000).toISOString();
const ms = (seconds: number) => Date.parse(at(seconds));

const party = (state: PartyState): GuestParty => ({
  queueId: 'q',
  queueName: 'Tables',
  venueName: 'Casa',
  locale: 'en',
  timezone: 'UTC',
  accentColor: null,
  text: null,
  endMessage: null,
  number: 12,
  name: 'Ana',
  size: 2,
  state,
  joinedAt: at(0),
  calledAt: state === 'called' ? at(100) : null,
  callExpiresAt: state === 'called' ? at(400) : null,
  confirmedAt: null,
  snoozesLeft: 3,
});
const position = (state: PartyState, seq: number, place: number | null = null): Position => ({
  state,
  position: place,
  ahead: place === null ? null : place - 1,
  waiting: 6,
  estimate: place === null ? null : { p10: 60, p50: 600, p90: 1_200, model: 'm', asOf: at(0) },
  asOf: at(0),
  seq,
});
const waiting = {
  party: party('waiting'),
  position: position('waiting', 10, 4),
  isLineDeleted: false,
};

describe('withPosition', () => {
  it('moves the place without a read', () => {
    const moved = withPosition(waiting, position('waiting', 11, 3));
    assert.deepEqual([moved && placeOf(moved.value), moved?.isComplete], [3, true]);
  });

  it('shows a call at once, and reads when it ends', () => {
    const called = withPosition(waiting, position('called', 11));
    assert.deepEqual([called?.value.party.state, called?.isComplete], ['called', false]);
    // A second call has another end.
    assert.equal(
      withPosition(
        { ...waiting, party: party('called'), position: position('called', 11) },
        position('called', 12),
      )?.isComplete,
      false,
    );
  });

  it('ignores an event that is older than the place', () => {
    const late = withPosition(waiting, position('waiting', 9, 5));
    assert.deepEqual([late && placeOf(late.value), late?.isComplete], [4, true]);
  });

  it('does not bring back a guest who left, before it has read', () => {
    const left = { ...waiting, party: party('left') };
    const event = withPosition(left, position('waiting', 11, 3));
    assert.deepEqual([event?.value.party.state, event?.isComplete], ['left', false]);
    assert.equal(event && placeOf(event.value), null);
  });
});

describe('newerTicket', () => {
  it('keeps the place of an event that overtook the read, or that the read lacks', () => {
    assert.equal(
      newerTicket(waiting, { ...waiting, position: position('waiting', 8, 6) }).position?.seq,
      10,
    );
    assert.equal(newerTicket(waiting, { ...waiting, position: null }).position?.seq, 10);
    assert.equal(
      newerTicket(waiting, { ...waiting, position: position('waiting', 12, 1) }).position?.seq,
      12,
    );
  });
});

describe('isBack', () => {
  it('is true for whoever was called or out of the line', () => {
    for (const state of ['called', 'no_show', 'left', 'removed', 'seated'] as const) {
      assert.equal(isBack(state, 'waiting'), true);
    }
    assert.equal(isBack(null, 'waiting'), false);
    assert.equal(isBack('waiting', 'called'), false);
  });
});

describe('snoozePlacesMax', () => {
  it('is limited by those behind and by the contract', () => {
    assert.equal(snoozePlacesMax(waiting, 10), 2);
    assert.equal(snoozePlacesMax(waiting, 1), 1);
  });

  it('counts all who wait behind a party that was called, as of the call', () => {
    const called = { ...waiting, party: party('called'), position: position('called', 11) };
    assert.equal(snoozePlacesMax(called, 10), 6);
    const alone = { ...called, position: { ...called.position, waiting: 0 } };
    assert.equal(snoozePlacesMax(alone, 10), null);
    assert.equal(snoozePlacesMax({ ...called, position: waiting.position }, 10), null);
    assert.equal(
      snoozePlacesMax({ ...called, party: { ...called.party, snoozesLeft: 0 } }, 10),
      null,
    );
  });

  it('is null for the last, for one who may not, and while the place is unknown', () => {
    assert.equal(snoozePlacesMax({ ...waiting, position: position('waiting', 10, 6) }, 10), null);
    assert.equal(
      snoozePlacesMax({ ...waiting, party: { ...waiting.party, snoozesLeft: 0 } }, 10),
      null,
    );
    assert.equal(snoozePlacesMax({ ...waiting, position: null }, 10), null);
  });
});

describe('times', () => {
  it('count from when the estimate was made', () => {
    assert.deepEqual(estimateNow(waiting, ms(120)), { p10: 0, p50: 480, p90: 1_080 });
    // A clock that is behind adds nothing.
    assert.equal(estimateNow(waiting, ms(-50))?.p50, 600);
  });

  it('count down to the end of the call', () => {
    assert.deepEqual(callLeft(party('called'), ms(325)), { leftMs: 75_000, share: 0.25 });
    assert.deepEqual(callLeft(party('called'), ms(500)), { leftMs: 0, share: 0 });
    // Not 5:01 of five minutes by a clock that is behind.
    assert.deepEqual(callLeft(party('called'), ms(99)), { leftMs: 300_000, share: 1 });
    assert.equal(callLeft(party('waiting'), ms(0)), null);
  });
});
