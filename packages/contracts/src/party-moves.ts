import type { PartyEventType } from './events.ts';
import type { PartyState } from './parties.ts';

type Move = {
  readonly from: readonly PartyState[];
  readonly to: PartyState;
  readonly event: PartyEventType;
  /** Who makes it: a host, the guest with its ticket, or a timer beside them. */
  readonly by: readonly ('staff' | 'guest' | 'system')[];
};

/**
 * Every move of a party: routes, timers, the documentation and the tests read it here. Any other is refused
 * as `invalid-transition`. `restore` leads back to exactly the place that the party had; `move` and `snooze`
 * lead to another place.
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
} as const satisfies Record<string, Move>;

export type PartyMove = keyof typeof partyMoves;

/** States in which a party still stands in the line. */
export const inLine = ['waiting', 'called'] as const satisfies readonly PartyState[];

/** States that a party's visit is over with. */
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
