import type { PartyEventType } from './events.ts';
import type { PartyState } from './parties.ts';

type Move = {
  readonly from: readonly PartyState[];
  readonly to: PartyState;
  readonly event: PartyEventType;
  /** Who can make it: a host, the guest with its ticket, or a timer. */
  readonly by: readonly ('staff' | 'guest' | 'system')[];
};

/**
 * Every move of a party; routes, timers, docs and tests use this table. Any other move gets `invalid-transition`.
 * `restore` returns a party to its original position; `move`, `snooze` and `giveUpCall` change its position. A guest
 * gives up its call with `snooze`.
 */
export const partyMoves = {
  call: { from: ['waiting', 'called'], to: 'called', event: 'party.called', by: ['staff'] },
  confirm: { from: ['called'], to: 'called', event: 'party.confirmed', by: ['guest'] },
  seat: { from: ['waiting', 'called'], to: 'seated', event: 'party.seated', by: ['staff'] },
  depart: { from: ['seated'], to: 'departed', event: 'party.departed', by: ['staff'] },
  noShow: { from: ['called'], to: 'no_show', event: 'party.no-show', by: ['staff', 'system'] },
  leave: { from: ['waiting', 'called'], to: 'left', event: 'party.left', by: ['guest'] },
  remove: { from: ['waiting', 'called'], to: 'removed', event: 'party.removed', by: ['staff'] },
  restore: {
    from: ['called', 'seated', 'departed', 'no_show', 'left', 'removed'],
    to: 'waiting',
    event: 'party.restored',
    by: ['staff'],
  },
  move: { from: ['waiting'], to: 'waiting', event: 'party.moved', by: ['staff'] },
  snooze: { from: ['waiting'], to: 'waiting', event: 'party.moved', by: ['guest'] },
  giveUpCall: { from: ['called'], to: 'waiting', event: 'party.moved', by: ['guest'] },
} as const satisfies Record<string, Move>;

export type PartyMove = keyof typeof partyMoves;

/** States of a party that is still in the line. */
export const inLine = ['waiting', 'called'] as const satisfies readonly PartyState[];

/** Whether a party in this state is in the line: it waits, or was called and is expected. */
export function isInLine(state: PartyState): boolean {
  return inLine.some((known) => known === state);
}

/** States of a party whose visit has ended. */
export const ended = [
  'departed',
  'no_show',
  'left',
  'removed',
] as const satisfies readonly PartyState[];

/** Whether a move may change how many people are in the venue. */
export function changesOccupancy(move: PartyMove): boolean {
  const { from, to } = partyMoves[move];
  return (to === 'seated') !== (from as readonly PartyState[]).includes('seated');
}
