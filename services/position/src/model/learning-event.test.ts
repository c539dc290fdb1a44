import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { HistoryEvent } from '@queue-manager/contracts/history';
import type { PartyState } from '@queue-manager/contracts/parties';
import { toLearningEvent } from './learning-event.ts';

const partyId = '01980000-0000-7000-8000-00000000000a';

function event(
  type: string,
  previousState: PartyState | null,
  state: PartyState,
  { joinedAt = '2026-05-29T20:00:00.000Z', previousSize = null as number | null } = {},
): HistoryEvent {
  return {
    id: '01980000-0000-7000-8000-00000000000b',
    seq: 7,
    type,
    time: '2026-05-29T20:05:00.000Z',
    actor: { kind: 'staff' },
    reason: null,
    partyId,
    previousState,
    previousSize,
    position: null,
    override: false,
    undone: null,
    party: {
      seq: 7,
      state,
      lane: 'priority',
      orderKey: '8000',
      number: 3,
      size: 2,
      source: 'staff',
      calls: 0,
      joinedAt,
      calledAt: null,
      confirmedAt: null,
      seatedAt: null,
      departedAt: null,
      endedAt: null,
    },
    queue: null,
  };
}

const kinds: [string, PartyState | null, PartyState, string | undefined][] = [
  ['party.joined', null, 'waiting', 'returned'],
  ['party.called', 'waiting', 'called', 'called'],
  ['party.seated', 'waiting', 'seated', 'called'],
  ['party.left', 'waiting', 'left', 'gone'],
  ['party.removed', 'waiting', 'removed', 'removed'],
  ['party.moved', 'waiting', 'waiting', 'moved'],
  ['party.restored', 'no_show', 'waiting', 'returned'],
  ['party.restored', 'called', 'waiting', 'returned'],
  ['party.moved', 'called', 'waiting', 'returned'],
  ['party.changed', 'waiting', 'waiting', undefined],
  ['party.called', 'called', 'called', undefined],
  ['party.confirmed', 'called', 'called', undefined],
  ['party.seated', 'called', 'seated', undefined],
  ['party.no-show', 'called', 'no_show', undefined],
  ['party.left', 'called', 'left', undefined],
  ['party.departed', 'seated', 'departed', undefined],
];
for (const [type, from, to, kind] of kinds) {
  it(`maps ${type} from ${from ?? 'no state'} to ${kind ?? 'null'}`, () => {
    const learned = toLearningEvent(event(type, from, to));
    if (kind === undefined) {
      assert.equal(learned, null);
      return;
    }
    assert.deepEqual(learned, {
      kind,
      seq: 7,
      timeMs: Date.parse('2026-05-29T20:05:00Z'),
      partyId,
      lane: 'priority',
      size: 2,
      joinedAtMs: Date.parse('2026-05-29T20:00:00Z'),
    });
  });
}

it('maps another size of a waiting party only', () => {
  const changed = event('party.changed', 'waiting', 'waiting', { previousSize: 5 });
  assert.deepEqual(toLearningEvent(changed), {
    ...{ kind: 'resized', seq: 7, timeMs: Date.parse('2026-05-29T20:05:00Z'), partyId },
    ...{ size: 2, sizeBefore: 5 },
  });
  assert.equal(
    toLearningEvent(event('party.changed', 'seated', 'seated', { previousSize: 5 })),
    null,
  );
});

it('maps a party that is added as it joins to joined', () => {
  const joinedAt = '2026-05-29T20:05:00.000Z';
  assert.equal(
    toLearningEvent(event('party.joined', null, 'waiting', { joinedAt }))?.kind,
    'joined',
  );
});

const undone: [string, PartyState, PartyState, string | undefined][] = [
  ['party.called', 'called', 'waiting', 'uncalled'],
  ['party.seated', 'seated', 'waiting', 'uncalled'],
  ['party.removed', 'removed', 'waiting', 'returned'],
  ['party.joined', 'waiting', 'removed', 'removed'],
  ['party.restored', 'waiting', 'left', 'removed'],
  ['party.restored', 'waiting', 'called', 'removed'],
  ['party.moved', 'waiting', 'waiting', 'moved'],
  ['party.changed', 'waiting', 'waiting', undefined],
  ['party.seated', 'seated', 'called', undefined],
];
for (const [type, from, to, kind] of undone) {
  it(`maps the undoing of ${type}, from ${from} to ${to}, to ${kind ?? 'null'}`, () => {
    const taken = { ...event('party.undone', from, to), undone: { seq: 6, type } };
    assert.equal(toLearningEvent(taken)?.kind, kind);
  });
}

it('a paused queue does not move; a closed one does', () => {
  for (const state of ['open', 'paused', 'closed'] as const) {
    const queue = { seq: 7, name: 'Bar', state, boardLabels: 'number', deleted: false } as const;
    const changed = {
      ...event('queue.changed', null, 'waiting'),
      partyId: null,
      party: null,
      queue,
    };
    const timeMs = Date.parse('2026-05-29T20:05:00Z');
    assert.deepEqual(toLearningEvent(changed), {
      kind: 'line',
      seq: 7,
      timeMs,
      moves: state !== 'paused',
    });
  }
});
