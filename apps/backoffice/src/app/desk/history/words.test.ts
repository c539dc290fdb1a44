import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NamedHistoryEvent } from '@queue-manager/contracts/history';
import { type Language, readerOf, translator } from '@queue-manager/ui/text';
import { texts } from './strings.ts';
import { eventWords, placeWords, type Telling } from './words.ts';

const event = (changes: Partial<NamedHistoryEvent>): NamedHistoryEvent => ({
  id: '',
  seq: 7,
  type: 'party.called',
  time: '2026-11-20T20:40:00.000Z',
  actor: { kind: 'staff', userId: '' },
  actorName: 'Rui',
  reason: null,
  partyId: '',
  previousState: 'waiting',
  position: null,
  override: false,
  party: {
    seq: 7,
    state: 'waiting',
    lane: 'regular',
    number: 12,
    size: 4,
    source: 'staff',
    calls: 0,
    joinedAt: '2026-11-20T20:40:00.000Z',
    calledAt: null,
    confirmedAt: null,
    seatedAt: null,
    departedAt: null,
    endedAt: null,
  },
  queue: null,
  ...changes,
});

const told = (
  changes: Partial<NamedHistoryEvent>,
  telling: Partial<Telling> = {},
  language: Language = 'en',
) => {
  const reader = readerOf([language]);
  return eventWords(event(changes), {
    text: translator(texts, reader),
    reader,
    timezone: 'Europe/Lisbon',
    party: 'Ana',
    move: undefined,
    queueBefore: null,
    ...telling,
  });
};

describe('the words of the history', () => {
  it('say who moved whom, from where to where, and why', () => {
    const moved = { type: 'party.moved', reason: 'wheelchair', position: 2 };
    const move = { move: { from: 7, to: 2 } };
    assert.equal(told(moved, move), 'Rui moved Ana from 7th to 2nd: wheelchair');
    assert.equal(told(moved, move, 'pt'), 'Rui moveu Ana do 7.º para o 2.º lugar: wheelchair');
    assert.equal(told(moved, move, 'es'), 'Rui movió a Ana del 7.º al 2.º puesto: wheelchair');
    assert.equal(
      told(moved, move, 'fr'),
      'Rui a déplacé Ana de la place 7 à la place 2\u00a0: wheelchair',
    );
    assert.equal(
      told(moved, move, 'de'),
      'Rui hat Ana von Platz 7 auf Platz 2 verschoben: wheelchair',
    );
    assert.equal(told(moved, move, 'ar'), 'نقل Ana من المركز 7 إلى المركز 2 – Rui: wheelchair');
    assert.equal(told(moved, { move: { from: null, to: 2 } }), 'Rui moved Ana to 2nd: wheelchair');
  });

  it('tell the guest, the timer and former colleagues apart', () => {
    const guest = { actor: { kind: 'guest' as const }, actorName: null };
    const timer = { actor: { kind: 'system' as const }, actorName: null };
    assert.equal(told({ ...guest, type: 'party.joined' }), 'Ana joined the line');
    assert.equal(told({ ...guest, type: 'party.left' }), 'Ana left the line');
    assert.equal(
      told({ ...guest, type: 'party.moved' }, { move: { from: 1, to: 4 } }),
      'Ana let others go first: from 1st to 4th',
    );
    assert.equal(told({ ...timer, type: 'party.no-show' }), 'Ana did not come in time');
    assert.equal(told({ type: 'party.no-show' }), 'Rui marked Ana as a no-show');
    assert.equal(told({ actorName: null }), 'A colleague called Ana');
  });

  it('tell calls from recalls, sizes from details, and joins dated by staff', () => {
    assert.equal(told({ previousState: 'called' }), 'Rui called Ana again');
    const changed = { type: 'party.changed' };
    assert.equal(told(changed), 'Rui changed the details of Ana');
    assert.equal(told({ ...changed, previousSize: 2 }), 'Rui changed Ana from 2 to 4 people');
    assert.equal(told({ type: 'party.joined' }), 'Rui added Ana');
    assert.match(
      told({ type: 'party.joined', time: '2026-11-20T20:55:00.000Z' }),
      /^Rui added Ana, who had waited since 8:40\sPM$/,
    );
  });

  it('begin with a capital letter also where a number stands for the name', () => {
    const guest = { type: 'party.left', actor: { kind: 'guest' as const } };
    assert.equal(told(guest, { party: 'number 12' }), 'Number 12 left the line');
  });

  it('tell the opening of a line from other changes of it', () => {
    const queue = { seq: 9, name: 'Tables', boardLabels: 'number' as const, deleted: false };
    const change = (state: 'open' | 'paused', before: 'open' | 'paused') =>
      told(
        { type: 'queue.changed', partyId: null, party: null, queue: { ...queue, state } },
        { queueBefore: { ...queue, state: before } },
      );
    assert.equal(change('paused', 'open'), 'Rui paused the line');
    assert.equal(change('open', 'paused'), 'Rui opened the line');
    assert.equal(change('open', 'open'), 'Rui changed the settings of the line');
  });

  it('name places as one says them', () => {
    const english = readerOf(['en']);
    assert.deepEqual(
      [1, 2, 3, 4, 11, 21, 112].map((place) => placeWords(english, place)),
      ['1st', '2nd', '3rd', '4th', '11th', '21st', '112th'],
    );
  });
});
