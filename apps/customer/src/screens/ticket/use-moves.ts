import type { Answer } from '@queue-manager/client/client';
import { newKey } from '@queue-manager/client/new-key';
import type { GuestParty } from '@queue-manager/contracts/guests';
import type { PartyState } from '@queue-manager/contracts/parties';
import type { Live } from '@queue-manager/ui/live';
import { useEffect, useRef, useState } from 'react';
import { ask } from '../../page/api.ts';
import type { TicketValue } from './ticket-state.ts';

type Move = 'confirmComing' | 'leaveQueue' | 'snooze';
type MoveState = {
  /** The move that is being sent. */
  pending: Move | null;
  /** The last one did not get through, or was not possible. */
  failed: Failure | null;
  /** The state of the party when it was sent: in another one it has got through, or is out of date. */
  failedIn: PartyState | null;
};

type Failure = 'unreachable' | 'refused';

const idle: MoveState = { pending: null, failed: null, failedIn: null };

const answerMs = 8_000;
const tries = 3;
const retryMs = 1_000;

/** How many groups go first, and whether a call is given up for it. */
type Snooze = { places: number; giveUpCall: boolean };

export type Moves = {
  state: MoveState;
  make(...move: [Exclude<Move, 'snooze'>] | ['snooze', Snooze]): Promise<'made' | Failure | 'busy'>;
};

/** The moves that a guest makes with its ticket; each press makes one, even if its answer is lost. */
export function useMoves(
  ticket: string,
  live: Live<TicketValue> | null,
  party: GuestParty | null,
): Moves {
  const [state, setState] = useState<MoveState>(idle);
  const isBusy = useRef(false);
  const keys = useRef(new Map<string, string>());

  // A key belongs to one press. In another state, or another call, the same press is a new one.
  const stage = `${party?.state} ${party?.calledAt}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each stage has its own keys
  useEffect(() => keys.current.clear(), [stage]);

  async function send(...[move, snooze]: Parameters<Moves['make']>): Promise<Answer<Move> | null> {
    // The key of a press that got no answer serves the next one.
    const name = JSON.stringify([move, snooze]);
    const key = keys.current.get(name) ?? newKey();
    keys.current.set(name, key);
    for (let attempt = 0; attempt < tries; attempt += 1) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, retryMs * attempt));
      const options = {
        params: { ticket },
        idempotencyKey: key,
        signal: AbortSignal.timeout(answerMs),
      };
      const sent: Promise<Answer<Move>> =
        snooze === undefined
          ? ask(move, { ...options, body: {} })
          : ask('snooze', { ...options, body: snooze });
      const answer = await sent.catch(() => null);
      if (answer === null || answer.status >= 500 || answer.status === 429) continue;
      keys.current.delete(name);
      return answer;
    }
    return null;
  }

  async function make(...move: Parameters<Moves['make']>): ReturnType<Moves['make']> {
    if (isBusy.current) return 'busy';
    isBusy.current = true;
    const failedIn = live?.get().value?.party.state ?? null;
    setState({ ...idle, pending: move[0] });
    const answer = await send(...move);
    isBusy.current = false;
    if (answer?.ok) {
      const known = live?.get().value ?? { position: null, isLineDeleted: false };
      live?.set({ ...known, party: answer.body });
      // The answer to a repeat may be older than what the stream has told since.
      live?.check();
      setState(idle);
      return 'made';
    }
    const failed = answer === null ? 'unreachable' : 'refused';
    setState({ pending: null, failed, failedIn });
    // Something else has happened to the party meanwhile.
    live?.check();
    return failed;
  }

  return { state, make };
}
