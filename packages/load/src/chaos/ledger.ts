import type { Lane } from '@queue-manager/contracts/parties';
import type { PartyMove } from '@queue-manager/contracts/party-moves';

/** A join that the system acknowledged. */
export interface AcknowledgedParty {
  ticket: string;
  queueId: string;
  lane: Lane;
  email: string | null;
  /** When it was first requested and when it was acknowledged; milliseconds on one clock. */
  askedAt: number;
  acknowledgedAt: number;
}

/** How often each move of a party, and taking the last one back, was acknowledged. */
type AcknowledgedMoves = Partial<Record<PartyMove | 'undo', number>>;

/** A sign-up that the system acknowledged. */
export interface AcknowledgedSignUp {
  email: string;
  password: string;
  isVerified: boolean;
  /** Milliseconds since the start of the run. */
  acknowledgedAtMs: number;
}

/** A broken guarantee. Contains no names, addresses or tickets. */
export interface Violation {
  what: string;
  /** Milliseconds since the start of the run; null when found by the checks at the end. */
  atMs: number | null;
}

/** Equal violations, counted. */
export interface ViolationCount {
  what: string;
  count: number;
  firstAtMs: number | null;
  lastAtMs: number | null;
}

/** What the system acknowledged, and which guarantees it broke. */
export interface Ledger {
  /** By ticket. */
  parties: Map<string, AcknowledgedParty>;
  /** By ticket; a party may be moved before its join is acknowledged. */
  moves: Map<string, AcknowledgedMoves>;
  signUps: AcknowledgedSignUp[];
  /** Moves that were refused because another came first. */
  refused: number;
  violations: Violation[];
  /** Milliseconds since the start of the run. */
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

/** Records a violation at this moment of the run. */
export function recordViolation(ledger: Ledger, what: string): void {
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
