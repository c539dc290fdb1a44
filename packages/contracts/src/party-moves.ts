import type { PartyEventType } from './events.ts';
import type { PartyState } from './parties.ts';

type Move = {
  readonly from: readonly PartyState[];
  readonly to: PartyState;
  readonly event: PartyEventType;
};

/** Every move of a party that ends in another state (or calls again). Any other is `invalid-transition`. */
export const partyMoves = {
  call: { from: ['waiting', 'called'], to: 'called', event: 'party.called' },
  seat: { from: ['waiting', 'called'], to: 'seated', event: 'party.seated' },
  noShow: { from: ['called'], to: 'no_show', event: 'party.no-show' },
  leave: { from: ['waiting', 'called'], to: 'left', event: 'party.left' },
  remove: { from: ['waiting', 'called'], to: 'removed', event: 'party.removed' },
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
