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
  /** Milliseconds since the run began. */
  acknowledgedAtMs: number;
}

/** Something that is not as it must be. Holds no names, addresses or tickets. */
export interface Violation {
  what: string;
  /** Milliseconds since the run began; null for what only the checks at the end found. */
  atMs: number | null;
}

/** Equal violations, counted. */
export interface ViolationCount {
  what: string;
  count: number;
  firstAtMs: number | null;
  lastAtMs: number | null;
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
  violations: Violation[];
  /** Milliseconds since the run began. */
  elapsedMs(): number;
}

export function createLedger(): Ledger {
  const startedAt = performance.now();
  return {
    parties: new Map(),
    moves: new Map(),
    signUps: [],
    refused: 0,
    violations: [],
    elapsedMs: () => performance.now() - startedAt,
  };
}

/** Notes that something is wrong at this moment of the run. */
export function noteViolation(ledger: Ledger, what: string): void {
  ledger.violations.push({ what, atMs: ledger.elapsedMs() });
}

/** Counts equal violations, in the order in which they were first found. */
export function countViolations(violations: readonly Violation[]): ViolationCount[] {
  return Array.from(
    Map.groupBy(violations, ({ what }) => what),
    ([what, equal]) => {
      const times = equal.flatMap(({ atMs }) => atMs ?? []);
      return {
        what,
        count: equal.length,
        firstAtMs: times.length === 0 ? null : Math.min(...times),
        lastAtMs: times.length === 0 ? null : Math.max(...times),
      };
    },
  );
}
