import type { Lane } from '@queue-manager/contracts/parties';
import type { PartyMove } from '@queue-manager/contracts/party-moves';

/** A join that the system acknowledged. */
export interface AcknowledgedParty {
  ticket: string;
  queueId: string;
  lane: Lane;
  email: string | null;
  /** When it was first asked for and when it was acknowledged, on one clock: milliseconds. */
  askedAt: number;
  acknowledgedAt: number;
}

/** How often each move of a party was acknowledged. */
export type AcknowledgedMoves = Partial<Record<PartyMove, number>>;

/** A sign-up that the system acknowledged. */
export interface AcknowledgedSignUp {
  email: string;
  password: string;
  isVerified: boolean;
}

/** What the system acknowledged, and what it should not have said. */
export interface Ledger {
  /** By ticket. */
  parties: Map<string, AcknowledgedParty>;
  /** By ticket; a party may be moved before its join is acknowledged. */
  moves: Map<string, AcknowledgedMoves>;
  signUps: AcknowledgedSignUp[];
  /** Moves that were refused because another came first. */
  refused: number;
  violations: string[];
}

export function createLedger(): Ledger {
  return { parties: new Map(), moves: new Map(), signUps: [], refused: 0, violations: [] };
}
