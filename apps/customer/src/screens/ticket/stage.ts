import type { RefObject } from 'react';
import type { TicketValue } from './ticket-state.ts';
import type { Moves } from './use-moves.ts';

/** What the page of each state of a ticket gets. */
export type StageProps = {
  value: TicketValue;
  heading: RefObject<HTMLHeadingElement | null>;
  moves: Moves;
};
